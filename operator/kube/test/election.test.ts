import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, eventually, startControlPlane } from '@im/dev-kubernetes';
import { createMetrics, silentLogger } from '@im/process';
import {
  CONFIG_MAP,
  createElection,
  createKubeClient,
  guardWrites,
  type KubeClient,
  LEASE,
  LeadershipError,
  NotLeadingError,
} from '../src/index.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

const TIMES = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 300 };
/** A lease that would outlast the longest stall of the machine. */
const LONG_TIMES = { leaseDurationMs: 60_000, renewDeadlineMs: 40_000, retryMs: 300 };

/** Less than a leader has for its work to stop before its lease ends: with a longer stall of this process it may have none. */
const STALL_MS = 400;
/** Shorter delays are not noticed, ms. */
const NOTICED_MS = 100;
/** When this process was stopped, in monotonic ms. */
const stalls: { readonly from: number; readonly until: number }[] = [];
let last = performance.now();
const watcher = setInterval(() => {
  const now = performance.now();
  if (now - last > NOTICED_MS) stalls.push({ from: last, until: now });
  last = now;
}, 50);

/** Time for which this process was stopped between two moments, ms. */
function stoppedMs(from: number, until: number): number {
  const within = stalls.map((stall) => Math.min(stall.until, until) - Math.max(stall.from, from));
  return within.reduce((sum, ms) => sum + Math.max(0, ms), 0);
}

/** When a candidate led, in monotonic ms. */
interface Reign {
  readonly identity: string;
  readonly from: number;
  until: number;
}

let plane: ControlPlane;
let admin: KubeClient;
let leases = 0;

before(async () => {
  plane = await startControlPlane();
  admin = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
});
after(async () => {
  clearInterval(watcher);
  admin.close();
  await plane.stop();
});

/** Candidates a, b, … for a new lease, each behind its own proxy; `windDownMs` is what work needs to stop. */
async function candidates(count: number, windDownMs = 0, times = TIMES) {
  const name = `lease-${++leases}`;
  const reigns: Reign[] = [];
  const all = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const identity = String.fromCharCode(97 + i);
      const proxy = await startFaultProxy(plane);
      const client = await createKubeClient({ kubeconfigPath: proxy.kubeconfig });
      const election = createElection({
        client,
        namespace: 'default',
        name,
        identity,
        log: silentLogger(),
        metrics: createMetrics(),
        ...times,
      });
      const stop = new AbortController();
      const lead = async (signal: AbortSignal) => {
        const reign = { identity, from: performance.now(), until: Number.POSITIVE_INFINITY };
        reigns.push(reign);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await sleep(windDownMs);
        reign.until = performance.now();
      };
      const running = withRestarts(() => election.run(stop.signal, lead));
      return { identity, proxy, client, election, stop, running };
    }),
  );
  const leader = () => reigns.find(({ until }) => until === Number.POSITIVE_INFINITY);
  const lease = async () => (await admin.get(LEASE, { namespace: 'default', name }))?.spec;
  return {
    all,
    reigns,
    lease,
    leader,
    of: (identity: string | undefined) => {
      const found = all.find((candidate) => candidate.identity === identity);
      assert.ok(found);
      return found;
    },
    async [Symbol.asyncDispose]() {
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ running }) => running));
      for (const { client, proxy } of all) {
        client.close();
        await proxy[Symbol.asyncDispose]();
      }
    },
  };
}

/** Runs a candidate, and once more after a stall in which its lease ended: its process would exit and be started again. */
async function withRestarts(run: () => Promise<void>): Promise<void> {
  for (;;) {
    const from = performance.now();
    try {
      return await run();
    } catch (error) {
      // The stall is noticed after what it delayed.
      await sleep(200);
      if (!(error instanceof LeadershipError) || stoppedMs(from, performance.now()) < STALL_MS) throw error;
    }
  }
}

/** Holds that no two led at the same time, but for as long as this process was stopped while a lease ended. */
function assertNoOverlap(reigns: readonly Reign[]): void {
  for (const [i, reign] of reigns.entries()) {
    for (const other of reigns.slice(i + 1)) {
      const until = Math.min(reign.until, other.until, performance.now());
      const overlap = until - Math.max(reign.from, other.from);
      const stopped = overlap <= 0 ? 0 : stoppedMs(other.from - 2 * TIMES.leaseDurationMs, until);
      assert.ok(overlap <= stopped, `${JSON.stringify(reign)} overlaps ${JSON.stringify(other)}`);
    }
  }
}

test('one of two leads; when it stops, the other takes over immediately, because the lease is released', async () => {
  await using t = await candidates(2, 200, LONG_TIMES);
  await eventually(() => assert.ok(t.leader()));
  const first = t.of(t.leader()?.identity);
  await sleep(1_500);
  assert.equal(t.reigns.length, 1);
  assert.equal(first.election.isLeader(), true);
  assert.equal((await t.lease())?.holderIdentity, first.identity);
  assert.equal((await t.lease())?.leaseTransitions, 0);
  const other = t.all.find(({ identity }) => identity !== first.identity);
  assert.equal(other?.election.isLeader(), false);
  assert.equal(other?.election.holder(), first.identity);

  first.stop.abort();
  await first.running;
  const stopped = performance.now();
  await eventually(() => assert.equal(t.leader()?.identity, other?.identity));
  assert.ok(performance.now() - stopped < 30_000, 'without waiting for the lease to expire');
  assert.equal(first.election.isLeader(), false);
  assert.ok(((await t.lease())?.leaseTransitions ?? 0) >= 1);
  assertNoOverlap(t.reigns);
});

for (const fault of ['a lost network', 'failing requests', 'cut connections'] as const) {
  test(`a leader behind ${fault} stops before the other leads, three times`, async (context) => {
    await using t = await candidates(2, 300);
    const cut = (proxy: FaultProxy, on: boolean) => {
      if (fault === 'a lost network') proxy.partition(on);
      else
        proxy.setRule(
          on ? () => (fault === 'cut connections' ? { drop: 'at once' } : { answer: 503 }) : undefined,
        );
    };
    for (let round = 0; round < 3; round++) {
      await eventually(() => assert.ok(t.leader()));
      await sleep(Math.random() * 500);
      const leading = t.of(t.leader()?.identity);
      cut(leading.proxy, true);
      await eventually(() => {
        const next = t.leader();
        assert.ok(next && next.identity !== leading.identity);
      });
      assert.equal(leading.election.isLeader(), false);
      cut(leading.proxy, false);
      if (fault === 'a lost network') leading.proxy.dropAll();
    }
    assertNoOverlap(t.reigns);
    const gaps = t.reigns.slice(1).map(({ from }, i) => Math.round(from - (t.reigns[i]?.until ?? 0)));
    context.diagnostic(`ms between two reigns: ${gaps.join(', ')}`);
    for (const [i, { from }] of t.reigns.slice(1).entries()) {
      const ended = t.reigns[i]?.until ?? 0;
      assert.ok(from - ended < 4_000 + stoppedMs(ended, from), 'the next one leads soon');
    }
  });
}

test('three candidates that come and go never lead at the same time', async () => {
  await using t = await candidates(3, 100);
  const end = performance.now() + 12_000;
  while (performance.now() < end) {
    const { proxy } = t.all[Math.floor(Math.random() * 3)] ?? t.of('a');
    proxy.partition(true);
    await sleep(Math.random() * 3_500);
    proxy.partition(false);
    proxy.dropAll();
    await sleep(Math.random() * 500);
  }
  await eventually(() => assert.ok(t.leader()));
  assertNoOverlap(t.reigns);
});

test('occasional lost responses to renewals do not end a leadership', async () => {
  await using t = await candidates(1, 0, LONG_TIMES);
  await eventually(() => assert.ok(t.leader()));
  let n = 0;
  t.of('a').proxy.setRule(({ method }) =>
    method === 'PUT' && ++n % 2 === 0 ? { drop: 'afterwards' } : undefined,
  );
  for (let renewal = 0; renewal < 6; renewal++) {
    const { renewTime } = (await t.lease()) ?? {};
    await eventually(async () => assert.notEqual((await t.lease())?.renewTime, renewTime));
  }
  assert.equal(t.reigns.length, 1);
  assert.ok(t.leader());
  assert.ok(n > 4);
});

test('a lease taken by force ends the leadership', async () => {
  await using t = await candidates(1);
  await eventually(() => assert.ok(t.leader()));
  const key = { namespace: 'default', name: `lease-${leases}` };
  await admin.patch(LEASE, key, {
    spec: { holderIdentity: 'thief', leaseDurationSeconds: 1 },
  });
  await eventually(() => assert.ok(Number.isFinite(t.reigns[0]?.until)));
  await eventually(() => assert.ok(t.reigns.length >= 2));
});

test('work that ignores its signal is a LeadershipError before the lease can be taken', async () => {
  const proxy = await startFaultProxy(plane);
  const client = await createKubeClient({ kubeconfigPath: proxy.kubeconfig });
  const options = { namespace: 'default', name: `lease-${++leases}`, log: silentLogger(), ...TIMES };
  const stubborn = createElection({ ...options, client, identity: 'stubborn', metrics: createMetrics() });
  const other = createElection({ ...options, client: admin, identity: 'other', metrics: createMetrics() });
  let stuckAt = 0;
  let ledAt = 0;
  const [leads, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stop = new AbortController();
  const running = stubborn.run(stop.signal, async () => {
    proxy.partition(true);
    leads.resolve();
    await release.promise;
  });
  await leads.promise;
  const guarded = guardWrites(client, stubborn.isLeader);
  const second = other.run(stop.signal, async (signal) => {
    ledAt = performance.now();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  });
  await assert.rejects(running, LeadershipError);
  stuckAt = performance.now();
  await assert.rejects(guarded.delete(LEASE, { namespace: 'default', name: 'x' }), NotLeadingError);
  await eventually(() => assert.ok(ledAt > 0));
  assert.ok(stuckAt < ledAt, `${stuckAt} ${ledAt}`);
  release.resolve();
  stop.abort();
  await second;
  client.close();
  await proxy[Symbol.asyncDispose]();
});

test('work that is refused a write while it stops is no fault of the election', async () => {
  const name = `lease-${++leases}`;
  const election = createElection({
    client: admin,
    namespace: 'default',
    name,
    identity: 'a',
    log: silentLogger(),
    metrics: createMetrics(),
    ...TIMES,
  });
  const guarded = guardWrites(admin, election.isLeader);
  const stop = new AbortController();
  await election.run(stop.signal, async () => {
    stop.abort();
    await guarded.create(CONFIG_MAP, { metadata: { namespace: 'default', name } });
  });
  assert.equal(await admin.get(CONFIG_MAP, { namespace: 'default', name }), undefined);
  assert.equal((await admin.get(LEASE, { namespace: 'default', name }))?.spec?.holderIdentity ?? '', '');
});

test('an error of the work ends the run and releases the lease', async () => {
  const name = `lease-${++leases}`;
  const election = createElection({
    client: admin,
    namespace: 'default',
    name,
    identity: 'a',
    log: silentLogger(),
    metrics: createMetrics(),
    ...TIMES,
  });
  await assert.rejects(
    election.run(AbortSignal.timeout(20_000), () => Promise.reject(new Error('boom'))),
    /boom/,
  );
  assert.equal((await admin.get(LEASE, { namespace: 'default', name }))?.spec?.holderIdentity ?? '', '');
});
