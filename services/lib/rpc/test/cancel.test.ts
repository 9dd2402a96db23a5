import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { type CallContext, type CallScope, currentCall, sleep, systemContext } from '@im/kit';
import { make } from '@im/protocol';
import { loopbackConfig, portOf, startPeer } from './fixture.ts';

const request = make('user.GetDesignateUsersReq', { userIDs: ['a'] });

/** A service whose calls wait until they are released, and the scopes that they ran in. */
function waiting() {
  const scopes: CallScope[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const service = {
    async getDesignateUsers() {
      const scope = currentCall();
      assert.ok(scope);
      scopes.push(scope);
      await promise;
      return make('user.GetDesignateUsersResp');
    },
  };
  return { scopes, service, release: resolve };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 10_000; !condition(); await sleep(5)) {
    if (Date.now() > end) throw new Error(`not within 10 s: ${what}`);
  }
}

test('a caller that goes away cancels its call at the other process, and what that called in turn', async () => {
  const last = waiting();
  await using far = await startPeer(loopbackConfig({}), 'user', last.service);
  await using near = await startPeer(
    loopbackConfig({ addresses: [`127.0.0.1:${portOf(far, 'user')}`] }),
    'msg',
    {
      async getServerTime(ctx: CallContext) {
        await near.rpc.client('user').getDesignateUsers({ ...ctx, signal: undefined }, request);
        return make('msg.GetServerTimeResp');
      },
    },
  );
  const config = loopbackConfig({});
  config.rpc.domains.msg.addresses = [`127.0.0.1:${portOf(near, 'msg')}`];
  await using client = await startPeer(config);
  const controller = new AbortController();
  const ctx = systemContext(tenantId('acme'), 'op', { timeoutMs: 60_000, signal: controller.signal });
  const call = client.rpc.client('msg').getServerTime(ctx, make('msg.GetServerTimeReq'));
  await until(() => last.scopes.length === 1, 'the call arrived at the last process');
  assert.equal(last.scopes[0]?.cancelled, false);
  controller.abort();
  await assert.rejects(call, /the caller went away/);
  await until(() => last.scopes[0]?.cancelled === true, 'the last process is told');
  assert.equal(last.scopes[0]?.leftMs(), 0);
  last.release();
});

test('a caller whose process ends cancels its calls, unless a change was started', async () => {
  const { scopes, service, release } = waiting();
  await using server = await startPeer(loopbackConfig({}), 'user', service);
  const client = await startPeer(loopbackConfig({ addresses: [`127.0.0.1:${portOf(server, 'user')}`] }));
  const ctx = systemContext(tenantId('acme'), 'op', { timeoutMs: 60_000 });
  const calls = Promise.allSettled(
    [1, 2].map(() => client.rpc.client('user').getDesignateUsers(ctx, request)),
  );
  await until(() => scopes.length === 2, 'both calls arrived');
  scopes[1]?.beginWrite();
  await client[Symbol.asyncDispose]();
  await calls;
  await until(() => scopes[0]?.cancelled === true, 'the first call is cancelled');
  assert.equal(scopes[1]?.cancelled, false);
  assert.ok((scopes[1]?.leftMs() ?? 0) > 0);
  release();
});
