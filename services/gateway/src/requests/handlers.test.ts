import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkLimits, ImError, type MessageName, make, messageLimits, REQ } from '@im/protocol';
import { describeRequests } from './handlers.ts';

test('every request has a message, all of whose fields have a limit', () => {
  const walk = (name: MessageName): void => {
    for (const limit of messageLimits(name).values()) if (limit.kind === 'message') walk(limit.message);
  };
  const without = describeRequests().filter(({ request }) => request === undefined);
  assert.deepEqual(
    without.map(({ identifier }) => identifier),
    [REQ.SendSignal],
  );
  for (const { request } of describeRequests()) if (request) walk(request);
});

test('the protocol page has every request with its message', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/protocol/requests.md'), 'utf8');
  const table = page.split('\n\n').find((block) => block.startsWith('| id | what | request |')) ?? '';
  const rows = table.matchAll(/^\| (\d{4}) \| [^|]+ \| (?:`([\w.]+)`|not read) \|/gm);
  const documented = [...rows].map(([, identifier, message]) => ({
    identifier: Number(identifier),
    request: message === undefined || message.includes('.') ? message : `sdkws.${message}`,
  }));
  assert.deepEqual(documented, describeRequests());
});

test('what protobuf can hold beyond JSON is refused, too', () => {
  const seq = (begin: number) => make('sdkws.SeqRange', { conversationID: 'si_a_b', begin });
  const pull = (begin: number) =>
    make('sdkws.PullMessageBySeqsReq', { userID: 'a', seqRanges: [seq(begin)] });
  checkLimits('sdkws.PullMessageBySeqsReq', pull(-1));
  assert.throws(
    () => checkLimits('sdkws.PullMessageBySeqsReq', pull(Number.NaN)),
    (error: unknown) =>
      error instanceof ImError && error.code === 1001 && /seqRanges.begin/.test(error.detail),
  );
  const watch = make('sdkws.SubUserOnlineStatus', { subscribeUserID: new Array(10_001).fill('u') });
  assert.throws(() => checkLimits('sdkws.SubUserOnlineStatus', watch), /more than 10000 entries: 10001/);
});
