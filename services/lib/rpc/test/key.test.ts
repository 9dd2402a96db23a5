import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { tenantId } from '@im/contract';
import { sleep, systemContext } from '@im/kit';
import { createLogger } from '@im/process';
import { decode, encode, make } from '@im/protocol';
import { loopbackConfig, type Peer, portOf, startPeer } from './fixture.ts';

const request = make('user.GetDesignateUsersReq', { userIDs: ['a'] });
const service = { getDesignateUsers: async () => make('user.GetDesignateUsersResp') };
type Key = { readonly key?: string; readonly acceptMissingKey?: boolean };

const serve = (key: Key) => startPeer(loopbackConfig({}, key), 'user', service);
const dial = (server: Peer, key: Key) =>
  startPeer(loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }, key));
const ask = (client: Peer, timeoutMs = 20_000) =>
  client.rpc.client('user').getDesignateUsers(systemContext(tenantId('acme'), 'op', { timeoutMs }), request);
/** Gives a running process another key. */
const change = (peer: Peer, key: Key) => peer.reconfigure(loopbackConfig({}, key));
const eventually = async (what: string, holds: () => Promise<boolean>) => {
  for (const end = Date.now() + 20_000; !(await holds()); await sleep(10)) assert.ok(Date.now() < end, what);
};
const refusals = async (peer: Peer) =>
  (await peer.metrics.values('openim_rpc_unauthenticated_total')).reduce((sum, { value }) => sum + value, 0);

for (const [what, server, client] of [
  ['both know the key', { key: 'k' }, { key: 'k' }],
  ['neither has one', {}, {}],
  ['only the caller has one', {}, { key: 'k' }],
  ['callers without it are let in', { key: 'k', acceptMissingKey: true }, {}],
] as const) {
  test(`a call is answered when ${what}`, async () => {
    await using called = await serve(server);
    await using caller = await dial(called, client);
    assert.deepEqual((await ask(caller)).usersInfo, []);
    assert.equal(await refusals(called), 0);
  });
}

for (const [what, client] of [
  ['no key', {}],
  ['another key', { key: 'other' }],
] as const) {
  test(`a caller with ${what} is refused, and the server goes on`, async () => {
    await using called = await serve({ key: 'k' });
    await using stranger = await dial(called, client);
    const call = ask(stranger, 1_000);
    await assert.rejects(call, /no answer within the deadline/);
    for (const end = Date.now() + 10_000; (await refusals(called)) === 0; await sleep(10)) {
      assert.ok(Date.now() < end, 'refused and counted');
    }
    await using caller = await dial(called, { key: 'k' });
    await ask(caller);
  });
}

test('a running cluster gets a key, changes it and loses it without a call that fails or a pipe that breaks', async () => {
  await using called = await serve({});
  await using caller = await dial(called, {});
  const context = systemContext(tenantId('acme'), 'op', { timeoutMs: 20_000 });
  const steps: readonly (readonly [Peer, Key])[] = [
    [called, { key: 'a', acceptMissingKey: true }],
    [caller, { key: 'a', acceptMissingKey: true }],
    [caller, { key: 'a' }],
    [called, { key: 'a' }],
    [called, { key: 'a', acceptMissingKey: true }],
    [caller, { key: 'a', acceptMissingKey: true }],
    [caller, { key: 'b', acceptMissingKey: true }],
    [called, { key: 'b', acceptMissingKey: true }],
    [called, { key: 'b' }],
    [caller, { key: 'b' }],
    [caller, {}],
    [called, {}],
  ];
  await ask(caller);
  for (const [peer, key] of steps) {
    const asked = caller.rpc.client('user').getDesignateUsers(context, request);
    change(peer, key);
    await asked;
    await ask(caller);
    // Time for a challenge and its answer.
    await sleep(20);
  }
  assert.equal(await refusals(called), 0);
});

test('a caller that was let in before there was a key, and does not know it, is cut', async () => {
  await using called = await serve({});
  await using stranger = await dial(called, {});
  await ask(stranger);
  change(called, { key: 'k', acceptMissingKey: true });
  await ask(stranger);
  change(called, { key: 'k' });
  await eventually('it is cut', async () => (await refusals(called)) > 0);
  await assert.rejects(ask(stranger, 1_000), /no answer within the deadline/);
  change(stranger, { key: 'k' });
  await ask(stranger);
});

test('a key that was taken from a caller first is still proved to a process that asks for it', async () => {
  await using called = await serve({ key: 'k' });
  await using caller = await dial(called, { key: 'k' });
  const port = portOf(called, 'user');
  await ask(caller);
  change(caller, {});
  await called[Symbol.asyncDispose]();
  await using again = await startPeer(loopbackConfig({ port }, { key: 'k' }), 'user', service);
  await ask(caller);
  assert.equal(await refusals(again), 0);
});

test('a process that strangers can reach, or that calls other machines, warns at its start without a key', async () => {
  const warned = async (host: string, address: string, key: string) => {
    const lines: string[] = [];
    const log = createLogger({ level: 'warn', stream: { write: (line: string) => void lines.push(line) } });
    const config = loopbackConfig({ addresses: [address] }, { key });
    const listening = { ...config, listen: { host } };
    await using _served = await startPeer(listening, 'user', service, { log });
    const served = lines.splice(0).filter((line) => line.includes('rpc.key is empty')).length;
    await using _calling = await startPeer(config, 'user', undefined, { log });
    return [served, lines.filter((line) => line.includes('rpc.key is empty')).length];
  };
  assert.deepEqual(await warned('127.0.0.1', '127.0.0.1:9', ''), [0, 0]);
  assert.deepEqual(await warned('0.0.0.0', 'localhost:9', ''), [1, 0]);
  assert.deepEqual(await warned('127.0.0.1', '192.0.2.1:9', ''), [0, 1]);
  assert.deepEqual(await warned('0.0.0.0', '192.0.2.1:9', 'k'), [0, 0]);
});

test('frames before the proof are not looked at', async () => {
  await using called = await serve({ key: 'k' });
  const grpc = new Client(`127.0.0.1:${portOf(called, 'user')}`, credentials.createInsecure());
  const asIs = (bytes: Buffer) => bytes;
  const stream = grpc.makeBidiStreamRequest('/openim.rpc.Pipe/Exchange', asIs, asIs, new Metadata());
  const answers: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => answers.push(bytes));
  const failed = Promise.withResolvers<ServiceError>();
  stream.on('error', (error) => failed.resolve(error as ServiceError));
  const call = make('rpc.Call', {
    id: 1,
    method: 'user.getDesignateUsers',
    tenant: 'acme',
    operationID: 'op',
    timeoutMs: 1_000,
    opAdmin: true,
    request: encode('user.GetDesignateUsersReq', request),
  });
  stream.write(Buffer.from(encode('rpc.Frame', make('rpc.Frame', { calls: [call] }))));
  assert.equal((await failed.promise).code, status.UNAUTHENTICATED);
  for (const bytes of answers) assert.equal(decode('rpc.Frame', bytes).replies.length, 0);
  grpc.close();
});
