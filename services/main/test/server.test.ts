import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  background,
  type CallContext,
  close,
  type Logger,
  listen,
  notReady,
  parseConfig,
  READY,
  type ServerConfigInput,
  silentLogger,
  tenantId,
} from '@im/kit';
import { make, type user } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import { type RunningServer, runServer } from '../src/index.ts';
import { type Fake, fakeModules, type Trace } from './fake-modules.ts';

const config = (input: ServerConfigInput = {}) =>
  parseConfig({ listen: { host: '127.0.0.1' }, ops: { port: 0 }, ...input });

async function started(
  roles: string[],
  fakes: Record<string, Fake> = {},
  input?: ServerConfigInput,
): Promise<RunningServer & { trace: Trace }> {
  const trace: Trace = [];
  const log: Logger = silentLogger();
  const server = await runServer(config(input), {
    roles,
    log,
    overrides: { module: fakeModules(trace, fakes) },
  });
  return Object.assign(server, { trace });
}

test('services start by dependency, stop in reverse, and readiness follows', async () => {
  let answer = notReady('no peer');
  const server = await started(['gateway', 'rpc'], { gateway: { ready: () => answer } });
  const readyz = async () => (await fetch(`http://127.0.0.1:${server.opsPort}/readyz`)).status;
  assert.deepEqual(server.readiness(), { ready: false, reason: 'gateway: no peer' });
  assert.equal(await readyz(), 503);
  setTimeout(() => {
    answer = READY;
  }, 30);
  await server.untilReady(AbortSignal.timeout(2_000));
  assert.equal(await readyz(), 200);

  const starts = server.trace.slice();
  assert.equal(starts.length, 8);
  assert.equal(starts.at(-1), '+gateway');
  await server.stop();
  assert.deepEqual(server.trace.slice(8), starts.map((name) => name.replace('+', '-')).reverse());
  await assert.rejects(readyz(), 'the ops port is closed');
  await server.stopped;
});

test('while services stop, readiness is off and their signal has aborted', async () => {
  const seen: unknown[] = [];
  let signal: AbortSignal | undefined;
  const server = await started(['api'], {
    api: {
      start: async (deps) => {
        signal = deps.signal;
      },
      stop: async () => {
        seen.push((await fetch(`http://127.0.0.1:${server.opsPort}/readyz`)).status, signal?.aborted);
      },
    },
  });
  await Promise.all([server.stop(), server.stop()]);
  assert.deepEqual(seen, [503, true]);
});

test('a stop takes no longer than its deadline', async () => {
  const server = await started(
    ['api', 'gateway'],
    { gateway: { stop: () => new Promise(() => {}) } },
    { shutdown: { deadlineMs: 100 } },
  );
  const begun = performance.now();
  await server.stop();
  assert.ok(performance.now() - begun < 3_000);
  assert.ok(server.trace.includes('-api'), 'the others are stopped too');
});

test('background work ends after the domains that began it, before the backends', async () => {
  let finished = false;
  const server = await started(['msg'], {
    msg: {
      start: async (deps) => {
        deps.background.spawn('late', async () => {
          await sleep(50);
          finished = true;
        });
      },
      stop: async () => assert.equal(finished, false),
    },
  });
  await server.stop();
  assert.equal(finished, true);
});

test('when a service cannot start, nothing stays behind', async () => {
  const probe = createServer();
  const port = await listen(probe, '127.0.0.1', 0);
  await close(probe);
  const trace: Trace = [];
  const module = fakeModules(trace, { gateway: { start: () => Promise.reject(new Error('port taken')) } });
  const run = () =>
    runServer(config({ ops: { port } }), {
      roles: ['api', 'gateway'],
      log: silentLogger(),
      overrides: { module },
    });
  await assert.rejects(run(), /port taken/);
  assert.deepEqual(trace, ['+api', '-api']);
  await assert.rejects(run(), /port taken/, 'the ops port is free again');
});

test('the caller’s signal stops the server', async () => {
  const controller = new AbortController();
  const trace: Trace = [];
  const server = await runServer(config(), {
    roles: ['api'],
    signal: controller.signal,
    log: silentLogger(),
    overrides: { module: fakeModules(trace) },
  });
  controller.abort();
  await server.stopped;
  assert.deepEqual(trace, ['+api', '-api']);
});

test('a service gets the parts that it names and no other', async () => {
  const got: Record<string, string[]> = {};
  const parts = ['rpc', 'store', 'bus', 'blob'];
  const note = (name: string): Fake => ({
    create: (deps) => {
      got[name] = parts.filter((part) => part in deps);
    },
  });
  await using _server = await started(['api', 'gateway'], {
    api: { ...note('api'), needs: ['rpc'] },
    gateway: note('gateway'),
  });
  assert.deepEqual(got, { api: ['rpc'], gateway: [] });
});

test('in one process a domain is called directly', async () => {
  const users = {
    getDesignateUsers: async (_ctx: CallContext, { userIDs }: user.GetDesignateUsersReq) =>
      make('user.GetDesignateUsersResp', {
        usersInfo: userIDs.map((userID) => make('sdkws.UserInfo', { userID })),
      }),
  };
  const answer = Promise.withResolvers<user.GetDesignateUsersResp>();
  const fakes: Record<string, Fake> = {
    user: {
      needs: ['rpc'],
      create: ({ rpc }) => rpc.bind('user', users as unknown as DomainService<'user'>),
    },
    api: {
      needs: ['rpc'],
      create: ({ rpc }) => {
        const client = rpc.client('user');
        const ctx = background(tenantId('default'), 'op');
        client
          .getDesignateUsers(ctx, make('user.GetDesignateUsersReq', { userIDs: ['a'] }))
          .then(answer.resolve, answer.reject);
      },
    },
  };
  await using server = await started(['user', 'api'], fakes, { rpc: { domains: { user: { port: 0 } } } });
  assert.equal(server.readiness().ready, true);
  assert.equal((await answer.promise).usersInfo[0]?.userID, 'a');
});

test('tenants and the log level change while the server runs', async () => {
  const tenant = (id: string) => ({ id, tokenSecret: 's', adminSecret: 's' });
  await using server = await started(['api'], {}, { tenants: [tenant('default')] });
  const heard: string[] = [];
  server.tenants.onChange((id, now) => heard.push(`${id} ${now ? 'set' : 'gone'}`));
  server.reconfigure(config({ tenants: [tenant('default'), tenant('t2')], log: { level: 'error' } }));
  assert.deepEqual(heard, ['t2 set']);
  assert.equal(server.log.level, 'error');
});
