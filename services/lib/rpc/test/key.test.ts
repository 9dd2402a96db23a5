import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { background, sleep, tenantId } from '@im/kit';
import { decode, encode, make, type user } from '@im/protocol';
import { loopbackConfig, type Peer, portOf, startPeer } from './fixture.ts';

const request = make('user.GetDesignateUsersReq', { userIDs: ['a'] });
const service = { getDesignateUsers: async () => make('user.GetDesignateUsersResp') };
type Key = { readonly key?: string; readonly acceptMissingKey?: boolean };

const serve = (key: Key) => startPeer(loopbackConfig({}, key), 'user', service);
const dial = (server: Peer, key: Key) =>
  startPeer(loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }, key));
const ask = (client: Peer, timeoutMs = 20_000) =>
  client.rpc.client('user').getDesignateUsers(background(tenantId('acme'), 'op', { timeoutMs }), request);
const refusals = async (peer: Peer) =>
  (await peer.metrics.values('im_rpc_unauthenticated_total')).reduce((sum, { value }) => sum + value, 0);

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

test('a plain gRPC call carries the key in a header', async () => {
  await using called = await serve({ key: 'k' });
  const grpc = new Client(`127.0.0.1:${portOf(called, 'user')}`, credentials.createInsecure());
  const call = (key: string | undefined) => {
    const metadata = new Metadata();
    const headers = { 'im-tenant': 'acme', 'im-operation-id': 'op', 'im-admin': '1' };
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    if (key !== undefined) metadata.set('im-key', key);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    grpc.makeUnaryRequest(
      '/openim.user.UserService/getDesignateUsers',
      (message: user.GetDesignateUsersReq) => Buffer.from(encode('user.GetDesignateUsersReq', message)),
      (bytes: Buffer) => decode('user.GetDesignateUsersResp', bytes),
      request,
      metadata,
      { deadline: Date.now() + 5_000 },
      (error, answer) => (error ? reject(error) : resolve(answer)),
    );
    return promise;
  };
  const refused = (error: ServiceError) => error.code === status.UNAUTHENTICATED;
  try {
    await call('k');
    await assert.rejects(call(undefined), refused);
    await assert.rejects(call('other'), refused);
  } finally {
    grpc.close();
  }
});
