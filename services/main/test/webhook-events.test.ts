import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { AFTER_EVENTS, BEFORE_EVENTS } from '@im/contract';

/** OpenIM has a setting for it, and never calls it. */
const NEVER_CALLED = 'afterGroupMsgRevoke';

const ROOT = resolve(import.meta.dirname, '../../..');
const textOf = (paths: readonly string[]) =>
  paths.map((path) => readFileSync(resolve(ROOT, path), 'utf8')).join('\n');
const isTest = (path: string) => path.endsWith('.test.ts') || path.includes('/test/');
const FILES = [
  'services/*/{src,test}/**/*.ts',
  'services/lib/webhooks/{src,test}/**/*.ts',
  'e2e/suites/*.test.ts',
];
const files = globSync(FILES, { cwd: ROOT });
// The table of events, and the shapes of bodies and answers, name all of them.
const source = textOf(files.filter((path) => !isTest(path) && !path.includes('lib/webhooks/src/events/')));
const tests = textOf(
  files.filter((path) => isTest(path) && path !== 'services/main/test/webhook-events.test.ts'),
);

describe('every event of webhooks is called somewhere, and a test says what it is called with', () => {
  for (const event of [...BEFORE_EVENTS, ...AFTER_EVENTS]) {
    if (event === NEVER_CALLED) continue;
    test(event, () => {
      assert.ok(source.includes(`'${event}'`), `no service calls ${event}`);
      assert.ok(new RegExp(`\\b${event}\\b`).test(tests), `no test names ${event}`);
    });
  }
});
