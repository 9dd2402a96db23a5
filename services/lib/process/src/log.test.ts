import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, setLogLevel } from './log.ts';

test('a change of the level reaches loggers that were derived before, and those derived from them', () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', stream: { write: (line) => lines.push(line) } });
  const child = log.child({ part: 'a' });
  const grandchild = child.child({ lane: 'b' });
  for (let i = 0; i < 1_000; i++) log.child({ i });
  grandchild.debug('before');
  setLogLevel(log, 'debug');
  for (const logger of [log, child, grandchild]) logger.debug('after');
  assert.equal(lines.length, 3);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['after', 'after', 'after'],
  );
  setLogLevel(log, 'error');
  grandchild.warn('too low');
  assert.equal(lines.length, 3);
});
