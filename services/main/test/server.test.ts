import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessStatus, parseConfig, type ServerConfigInput, tenantId } from '@im/contract';
import { type CallContext, close, listen, systemContext } from '@im/kit';
import { type Logger, notReady, productVersion, READY, silentLogger } from '@im/process';
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
  signal?: AbortSignal,
): Promise<RunningServer & { trace: Trace }> {
  const trace: Trace = [];
  const log: Logger = silentLogger();
  const server = await runServer(config(input), {
    roles,
    log,
    signal,
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
  const startedAt = performance.now();
  await server.stop();
  assert.ok(performance.now() - startedAt < 30_000);
  assert.ok(server.trace.includes('-api'), 'the others are stopped too');
});

test('background work ends after the domains that began it, before the backends', async () => {
  let finished = false;
  const server = await started(['msg'], {
    msg: {
      start: async (deps) => {
        deps.tasks.spawn(
          'late',
          async () => {
            await sleep(50);
            finished = true;
          },
          { onRefused: () => assert.fail('refused') },
        );
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

test('the status reports what runs, with which config, and what its services add', async () => {
  const server = await runServer(config(), {
    roles: ['transfer', 'api'],
    configHash: 'abc',
    log: silentLogger(),
    overrides: {
      module: fakeModules([], {
        transfer: {
          create: ({ status }) =>
            status.add('transfer', () => ({
              partitions: 64,
              lagRecords: 2,
              parkedTenants: 0,
              parkedConversations: 0,
              parkedRecords: 0,
            })),
        },
        api: { ready: () => notReady('no peer') },
      }),
    },
  });
  await using _server = server;
  const read = async (): Promise<ProcessStatus> =>
    (await (await fetch(`http://127.0.0.1:${server.opsPort}/status`)).json()) as ProcessStatus;
  const status = await read();
  assert.equal(status.version, productVersion());
  assert.equal(status.instance, server.instanceId);
  assert.deepEqual(status.roles, ['transfer', 'api']);
  assert.deepEqual([status.ready, status.reason], [false, 'api: no peer']);
  assert.equal(status.configHash, 'abc');
  assert.deepEqual(status.transfer, {
    partitions: 64,
    lagRecords: 2,
    parkedTenants: 0,
    parkedConversations: 0,
    parkedRecords: 0,
  });
  assert.equal('gateway' in status, false);
  server.reconfigure(config(), { hash: 'def' });
  assert.equal((await read()).configHash, 'def');
});

test('the key of the cluster is asked for as soon as the config has it, of actions alone', async () => {
  const server = await started(['api'], {
    api: { create: ({ ops }) => ops.handle('POST', '/act', () => ({ body: {} })) },
  });
  await using _server = server;
  const url = `http://127.0.0.1:${server.opsPort}`;
  const act = async (key: string) => {
    const headers = { authorization: `Bearer ${key}` };
    return (await fetch(`${url}/act`, { method: 'POST', headers })).status;
  };
  const seen: unknown[] = [];
  for (const rpc of [{}, { key: 'k', acceptMissingKey: true }, { key: 'k' }]) {
    server.reconfigure(config({ rpc, shutdown: { settleMs: 1 } }));
    const { rpcKey } = (await (await fetch(`${url}/status`)).json()) as ProcessStatus;
    seen.push([rpcKey, await act('k'), await act('other')]);
  }
  assert.deepEqual(seen, [
    ['none', 200, 200],
    ['optional', 200, 200],
    ['required', 200, 401],
  ]);
  for (const path of ['healthz', 'readyz', 'metrics', 'status', 'prestop'])
    assert.equal((await fetch(`${url}/${path}`)).status, 200, path);
});

test('an announcement does nothing by itself; the signal after it drains before it stops', async () => {
  const left = Promise.withResolvers<void>();
  const asked = new AbortController();
  const server = await started(
    ['api', 'gateway'],
    {
      gateway: { drain: () => left.promise },
      api: { drain: () => Promise.reject(new Error('boom')) },
    },
    { shutdown: { settleMs: 200 }, rpc: { key: 'k' } },
    asked.signal,
  );
  const ops = `http://127.0.0.1:${server.opsPort}`;
  const unannounced = server.longestStopMs();
  for (let times = 0; times < 2; times++) {
    const response = await fetch(`${ops}/prestop`);
    assert.equal(response.status, 200, 'a kubelet has no key');
    const { ready } = (await response.json()) as ProcessStatus;
    assert.equal(ready, true);
  }
  assert.equal((await fetch(`${ops}/readyz`)).status, 200, 'it is as ready as before');
  const { drain } = config().gateway;
  assert.equal(server.longestStopMs() - unannounced, 200 + drain.deadlineMs);

  const startedAt = performance.now();
  asked.abort();
  await sleep(300);
  assert.deepEqual(server.readiness(), { ready: false, reason: 'draining' });
  assert.equal((await fetch(`${ops}/readyz`)).status, 503);
  assert.ok(!server.trace.includes('-api'), 'it serves on');
  left.resolve();
  await server.stopped;
  assert.ok(performance.now() - startedAt >= 300);
  assert.ok(server.trace.includes('-api'));
});

test('a signal without an announcement stops at once', async () => {
  const asked = new AbortController();
  const drained: string[] = [];
  const drain = async () => {
    drained.push('gateway');
  };
  const server = await started(['gateway'], { gateway: { drain } }, {}, asked.signal);
  asked.abort();
  await server.stopped;
  assert.deepEqual(drained, []);
});

test('an announced stop waits for all to hear, and ends at once when the stop itself comes', async () => {
  const server = await started(['api'], {}, { shutdown: { settleMs: 300 } });
  const startedAt = performance.now();
  await server.drain();
  assert.ok(performance.now() - startedAt >= 290);
  await server.stop();
  const other = await started(
    ['api'],
    { api: { drain: () => new Promise(() => {}) } },
    { shutdown: { settleMs: 60_000 } },
  );
  const drained = other.drain();
  assert.equal(other.readiness().reason, 'draining');
  const stopped = performance.now();
  await other.stop();
  await drained;
  assert.ok(performance.now() - stopped < 15_000);
});

test('who was seen not ready for long enough drains at once', async () => {
  await using server = await started(
    ['api'],
    { api: { ready: () => notReady('draining') } },
    { shutdown: { settleMs: 2_000 } },
  );
  const probe = () => fetch(`http://127.0.0.1:${server.opsPort}/readyz`);
  await probe();
  await sleep(2_010);
  await probe();
  const startedAt = performance.now();
  await server.drain();
  assert.ok(performance.now() - startedAt < 1_900);
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

test('a service gets the components that it requires and no other', async () => {
  const got: Record<string, string[]> = {};
  const components = ['rpc', 'store', 'bus', 'blob'];
  const note = (name: string): Fake => ({
    create: (deps) => {
      got[name] = components.filter((component) => component in deps);
    },
  });
  await using _server = await started(['api', 'gateway'], {
    api: { ...note('api'), requires: ['rpc'] },
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
      requires: ['rpc'],
      create: ({ rpc }) => rpc.bind('user', users as unknown as DomainService<'user'>),
    },
    api: {
      requires: ['rpc'],
      create: ({ rpc }) => {
        const client = rpc.client('user');
        const ctx = systemContext(tenantId('default'), 'op');
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
  assert.deepEqual(server.reconfigure(config({ api: { port: 1 } })), ['api.port']);
  const one = config({ tenants: [tenant('default')] });
  const twice = { ...one, log: { level: 'warn' as const }, tenants: [...one.tenants, ...one.tenants] };
  assert.throws(() => server.reconfigure(twice), /listed twice/);
  assert.equal(server.log.level, 'info', 'nothing of it is in force');
});

test('an outage of the bus ends readiness, but not that of a process whose services stay ready through it', async () => {
  const observe = async (roles: string[]) => {
    let bus = notReady('connecting');
    const gateway: Fake = { requires: ['bus'], readyThroughOutages: true };
    await using server = await runServer(config(), {
      roles,
      log: silentLogger(),
      overrides: {
        module: fakeModules([], { gateway }),
        bus: (usual) =>
          Object.assign(Object.create(usual), {
            start: async () => {},
            stop: async () => {},
            ready: () => bus,
          }),
      },
    });
    const probe = async () => (await fetch(`http://127.0.0.1:${server.opsPort}/readyz`)).status;
    const before = await probe();
    bus = READY;
    const reached = await probe();
    bus = notReady('no server');
    const status = (await (await fetch(`http://127.0.0.1:${server.opsPort}/status`)).json()) as ProcessStatus;
    return [before, reached, await probe(), status.reason, status.unavailable];
  };
  assert.deepEqual(await observe(['gateway']), [503, 200, 200, undefined, 'bus: no server']);
  assert.deepEqual(await observe(['gateway', 'api']), [503, 200, 503, 'bus: no server', undefined]);
});
