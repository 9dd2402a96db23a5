import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DrainingGateway, drainPace, type PaceMemory, type Receiver } from './drain-pace.ts';

const NOW = 1_000_000;

function receiver(change: Partial<Receiver> = {}): Receiver {
  return {
    connections: 10_000,
    maxConnections: 100_000,
    handshakesPerSecond: 0,
    refusedPerSecond: 0,
    loginP99Ms: 50,
    eventLoopDelayMs: 5,
    ...change,
  };
}

const drain = (name: string, remaining: number, seconds = 500): DrainingGateway => ({
  name,
  remaining,
  until: NOW + seconds * 1_000,
});

function paceOf(receivers: Receiver[], drains: DrainingGateway[], memory?: PaceMemory) {
  const input = { receivers, drains, handshakeBudget: 500, maxPerSecond: 2_000, now: NOW };
  return drainPace(input, memory);
}
const rate = (...args: Parameters<typeof paceOf>) =>
  [...paceOf(...args).perSecond.values()].reduce((sum, each) => sum + each, 0);

test('drains use four fifths of what receivers admit beyond other clients', () => {
  assert.equal(rate([receiver()], [drain('a', 10_000)]), 400);
  assert.equal(rate([receiver(), receiver()], [drain('a', 10_000)]), 800);
  assert.equal(rate([receiver({ handshakesPerSecond: 300 })], [drain('a', 10_000)]), 160);
});

test('a receiver that is full or busy offers little or nothing', () => {
  assert.equal(rate([receiver(), receiver({ eventLoopDelayMs: 150 })], [drain('a', 10_000)]), 400);
  assert.equal(rate([receiver({ connections: 99_000 })], [drain('a', 10_000)]), 80);
});

test('the pace is divided by what each needs for its deadline, and never below that', () => {
  const { perSecond } = paceOf([receiver()], [drain('a', 30_000, 505), drain('b', 10_000, 505)]);
  assert.deepEqual(
    [...perSecond],
    [
      ['a', 300],
      ['b', 100],
    ],
  );
  assert.equal(rate([], [drain('a', 10_000, 105)]), 100, 'without receivers');
  assert.equal(rate([receiver()], [drain('a', 60_000, 65)]), 1_000, 'more than offered');
});

test('it halves while clients are refused or logins are slow, and recovers', () => {
  const calm: PaceMemory = { at: NOW - 2_000, caution: 1, granted: 0, loginBaselineMs: 50 };
  const refusing = paceOf([receiver({ refusedPerSecond: 20 })], [drain('a', 10_000)], calm);
  assert.equal(refusing.perSecond.get('a'), 200);
  const slow = paceOf([receiver({ loginP99Ms: 900 })], [drain('a', 10_000)], calm);
  assert.equal(slow.perSecond.get('a'), 200);
  assert.equal(rate([receiver({ loginP99Ms: 400 })], [drain('a', 10_000)], calm), 400);
  const always = { ...calm, loginBaselineMs: 800 };
  assert.equal(rate([receiver({ loginP99Ms: 900 })], [drain('a', 10_000)], always), 400, 'as slow as ever');
  const after = paceOf([receiver()], [drain('a', 10_000)], { ...refusing.memory, at: NOW - 2_000 });
  assert.ok((after.perSecond.get('a') ?? 0) > 200);
});

/** Gateways that serve a limited number of logins per second from a queue, and draining ones whose clients redial at once. */
class Fleet {
  now = NOW;
  worstQueueMs = 0;
  refused = 0;
  readonly receivers: { connections: number; queue: number; arrivals: number[]; refusals: number[] }[];
  readonly drains: { name: string; remaining: number; until: number; perSecond: number }[];
  readonly #capacity: number;
  readonly #budget: number;

  constructor(capacity: number, budget: number, receivers: number, drains: DrainingGateway[]) {
    this.#capacity = capacity;
    this.#budget = budget;
    this.receivers = Array.from({ length: receivers }, () => ({
      connections: 10_000,
      queue: 0,
      arrivals: [],
      refusals: [],
    }));
    this.drains = drains.map((each) => ({ ...each, perSecond: 1 }));
  }

  /** One second with a background of other clients that log in. */
  step(background: number): void {
    this.now += 1_000;
    let dialing = background * this.receivers.length;
    for (const each of this.drains) {
      const closed = Math.min(each.remaining, each.perSecond);
      each.remaining -= closed;
      dialing += closed;
    }
    for (const each of this.receivers) {
      const arrived = dialing / this.receivers.length;
      const refused = Math.max(0, arrived - this.#budget);
      this.refused += refused;
      each.arrivals = [arrived, ...each.arrivals].slice(0, 10);
      each.refusals = [refused, ...each.refusals].slice(0, 10);
      each.queue += arrived - refused;
      const served = Math.min(each.queue, this.#capacity);
      each.queue -= served;
      each.connections += served;
      this.worstQueueMs = Math.max(this.worstQueueMs, (each.queue / this.#capacity) * 1_000);
    }
  }

  view(): Receiver[] {
    const mean = (list: number[]) => list.reduce((sum, each) => sum + each, 0) / Math.max(1, list.length);
    return this.receivers.map(({ connections, queue, arrivals, refusals }) => ({
      connections,
      maxConnections: 100_000,
      handshakesPerSecond: mean(arrivals),
      refusedPerSecond: mean(refusals),
      loginP99Ms: 30 + (queue / this.#capacity) * 1_000,
      eventLoopDelayMs: queue > 0 ? 60 : 5,
    }));
  }

  get isOver(): boolean {
    return this.drains.every(({ remaining }) => remaining === 0);
  }
}

/** Drains a fleet by feedback every two seconds, or at a constant pace. @returns seconds that it took. */
function run(fleet: Fleet, constant?: number): number {
  let memory: PaceMemory | undefined;
  for (let second = 0; second < 3_600; second++) {
    if (fleet.isOver) return second;
    if (second % 2 === 0) {
      const drains = fleet.drains.filter(({ remaining }) => remaining > 0);
      const input = {
        receivers: fleet.view(),
        drains,
        handshakeBudget: 500,
        maxPerSecond: 2_000,
        now: fleet.now,
      };
      const pace = drainPace(input, memory);
      memory = pace.memory;
      for (const each of drains) each.perSecond = constant ?? pace.perSecond.get(each.name) ?? 0;
    }
    fleet.step(40);
  }
  return 3_600;
}

test('receivers that admit all that they can serve are never overloaded, and the drains end in time', () => {
  const drains = () => [drain('a', 50_000, 540), drain('b', 20_000, 540)];
  const fleet = new Fleet(500, 500, 2, drains());
  const seconds = run(fleet);
  assert.equal(fleet.refused, 0);
  assert.equal(fleet.worstQueueMs, 0);
  assert.ok(seconds < 200, `${seconds} s`);
  const blunt = new Fleet(500, 500, 2, drains());
  run(blunt, 500);
  assert.ok(blunt.refused > 1_000, `${blunt.refused} refused at a constant pace`);
});

test('receivers that serve less than they admit are spared by the login time', () => {
  const drains = () => [drain('a', 50_000, 540), drain('b', 20_000, 540)];
  const fleet = new Fleet(150, 500, 2, drains());
  const seconds = run(fleet);
  const blunt = new Fleet(150, 500, 2, drains());
  run(blunt, 500);
  assert.ok(
    fleet.worstQueueMs < blunt.worstQueueMs / 10,
    `${fleet.worstQueueMs} against ${blunt.worstQueueMs} ms`,
  );
  assert.ok(fleet.worstQueueMs < 5_000, `${fleet.worstQueueMs} ms`);
  assert.ok(seconds <= 540, `${seconds} s`);
});
