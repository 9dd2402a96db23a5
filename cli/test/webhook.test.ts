import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, listen } from '@im/kit';
import { signedHeaders } from '@im/webhooks';
import {
  answerTo,
  createReceiver,
  type ReceivedWebhook,
  type ReceiverOptions,
} from '../src/webhook/receiver.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const PLAIN: ReceiverOptions = { status: 200, delayMs: 0, commands: [] };
const COMMAND = 'callbackBeforeAddFriendCommand';

async function received(options: Partial<ReceiverOptions>, secret: string) {
  const reported: ReceivedWebhook[] = [];
  const server = createReceiver({ ...PLAIN, ...options }, (one) => reported.push(one));
  const port = await listen(server, '127.0.0.1', 0);
  const body = '{"callbackCommand":"x"}';
  const key = Buffer.from('{"sendID":"a"}').toString('base64');
  const answer = await fetch(`http://127.0.0.1:${port}/hooks/${COMMAND}?key=${encodeURIComponent(key)}`, {
    ...{ method: 'POST', body, headers: { ...signedHeaders('evt_1', body, [secret]) } },
  });
  const json = await answer.json();
  server.closeAllConnections();
  await close(server);
  const [one] = reported;
  assert.ok(one);
  return { one, status: answer.status, json };
}

test('a request is reported with its command, id, key and body, and allowed', async () => {
  const { one, json } = await received({ secret: SECRET }, SECRET);
  const { command, id, signature, key, body, answered } = one;
  assert.deepEqual(
    { command, id, signature, key, body, answered },
    {
      ...{ command: COMMAND, id: 'evt_1', signature: 'valid', key: { sendID: 'a' } },
      ...{ body: { callbackCommand: 'x' }, answered: 200 },
    },
  );
  assert.deepEqual(json, { actionCode: 0, errCode: 0, errMsg: '', errDlt: '', nextCode: 0 });
});

test('a signature of another secret is said to be none', async () => {
  const other = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
  const { one } = await received({ secret: SECRET }, other);
  assert.match(one.signature, /another secret/);
  assert.equal((await received({}, other)).one.signature, 'not verified');
});

test('it refuses, answers and fails as it is asked to, for the events named', async () => {
  const refusal = { errCode: 5001, errMsg: 'no' };
  const { status, json } = await received({ status: 503, refusal, answer: { content: '{}' } }, '');
  assert.equal(status, 503);
  assert.deepEqual(json, { actionCode: 0, ...refusal, errDlt: '', nextCode: 1, content: '{}' });
  const others = { ...PLAIN, status: 503, refusal, commands: ['callbackAfterAddFriendCommand'] };
  assert.equal(answerTo(COMMAND, others).status, 200);
  assert.equal(JSON.parse(answerTo(COMMAND, others).body).nextCode, 0);
  assert.equal(answerTo('callbackAfterAddFriendCommand', others).status, 503);
});
