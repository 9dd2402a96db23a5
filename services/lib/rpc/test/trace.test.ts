import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { type CallContext, systemContext, type Tracing, withSpan } from '@im/kit';
import { ERR, encode, ImError, make } from '@im/protocol';
import { recordingTracer } from '@im/testing';
import { methodsOf } from '../src/contract.ts';
import { PendingCall } from '../src/pending-call.ts';
import { loopbackConfig, portOf, startPeer } from './fixture.ts';

const TENANT = tenantId('acme');
const ctx = () => systemContext(TENANT, 'op-1');
const REQUEST = make('user.GetDesignateUsersReq', { userIDs: ['a'] });

/** A server of `user`, a client of it, and the contexts that arrived. */
async function pair(server: Tracing | undefined, client: Tracing | undefined) {
  const seen: CallContext[] = [];
  const home = await startPeer(
    loopbackConfig({}),
    'user',
    {
      async getDesignateUsers(call) {
        seen.push(call);
        return make('user.GetDesignateUsersResp');
      },
      async accountCheck() {
        throw new ImError(ERR.RecordNotFoundError);
      },
    },
    { tracing: server },
  );
  const address = `127.0.0.1:${portOf(home, 'user')}`;
  const caller = await startPeer(loopbackConfig({ addresses: [address] }), undefined, undefined, {
    tracing: client,
  });
  return {
    seen,
    user: caller.rpc.client('user'),
    async [Symbol.asyncDispose]() {
      await caller[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}

test('a call is a step of its caller and one of its server', async () => {
  const [here, there] = [recordingTracer(), recordingTracer()];
  await using peers = await pair(there, here);
  const root = here.tracer.begin(TENANT, 'root');
  await peers.user.getDesignateUsers(withSpan(ctx(), root), REQUEST);
  const client = here.named('user.getDesignateUsers');
  const server = there.named('user.getDesignateUsers');
  assert.deepEqual([client.parent, server.parent], [root?.traceparent, client.traceparent]);
  assert.deepEqual([client.ended, server.ended, server.tenant], [true, true, TENANT]);
  assert.equal(peers.seen[0]?.span?.traceparent, server.traceparent);

  await assert.rejects(peers.user.accountCheck(withSpan(ctx(), root), make('user.AccountCheckReq')));
  for (const { named } of [here, there]) {
    const { error } = named('user.accountCheck');
    assert.ok(error instanceof ImError && error.code === ERR.RecordNotFoundError);
  }
});

test('a process that records no traces answers one that does, and the other way round', async () => {
  const tracing = recordingTracer();
  await using away = await pair(undefined, tracing);
  await away.user.getDesignateUsers(withSpan(ctx(), tracing.tracer.begin(TENANT, 'root')), REQUEST);
  assert.equal(away.seen[0]?.span, undefined);
  const other = recordingTracer();
  await using home = await pair(other, undefined);
  await home.user.getDesignateUsers(ctx(), REQUEST);
  assert.deepEqual([other.spans, home.seen[0]?.span], [[], undefined]);
});

test('a call without a trace is the same on the wire as before there were any', () => {
  const method = methodsOf('user').find(({ name }) => name === 'getDesignateUsers');
  assert.ok(method);
  const bytes = (context: CallContext) => {
    const call = new PendingCall(method, context, method.request.encode(REQUEST));
    call.answer.catch(() => {});
    const wire = call.wire(1);
    call.fail(new ImError(ERR.NetworkError));
    wire.timeoutMs = 5;
    return encode('rpc.Call', wire);
  };
  const span = recordingTracer().tracer.begin(TENANT, 'root');
  assert.ok(span);
  const [plain, traced] = [bytes(ctx()), bytes(withSpan(ctx(), span))];
  assert.equal(traced.length - plain.length, 2 + span.traceparent.length);
});
