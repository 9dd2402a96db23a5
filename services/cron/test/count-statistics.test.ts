import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type TenantId, tenantSettings } from '@im/contract';
import { calendarOf, dayName, UTC } from '@im/kit';
import { createMetrics } from '@im/process';
import {
  accountStatistics,
  conversationSeqs,
  cronRunRepo,
  messageCounter,
  msgRows,
  msgStats,
  objectUploadRepo,
  type Store,
  statBatches,
  statDayRepo,
  statRetention,
  userRepo,
} from '@im/store';
import { countStatistics } from '../src/jobs/count-statistics.ts';
import { type JobFixture, useStore } from './harness.ts';

const settings = (id: string, placement: 'Shared' | 'Dedicated' = 'Shared') =>
  tenantSettings({ id, placement, tokenSecret: 's', adminSecret: 's' });
const [a, b, c, d] = [settings('a'), settings('b'), settings('c', 'Dedicated'), settings('d')];
const e = settings('e');
const never = new AbortController().signal;
const NOTHING_NEW = { counted: 0, conversations: 0, batches: 0, isComplete: true, isFirst: false };
const { dayOf, startOf } = UTC;
const TODAY = dayOf(Date.now());
const HOUR = 3_600_000;

const user = (userID: string, createTime: number) => ({
  ...{ userID, nickname: userID, faceURL: '', ex: '', createTime, appMangerLevel: 0, globalRecvMsgOpt: 0 },
});

describe('statistics', () => {
  let fixture: JobFixture;
  let store: Store;
  useStore([a, b, c, d, e], async (given) => {
    fixture = given;
    ({ store } = given);
  });

  /** What was stored, counted without the code under test. */
  const expected = new Map<string, number>();
  const add = (...parts: readonly (string | number)[]) => {
    const name = parts.join(' ');
    expected.set(name, (expected.get(name) ?? 0) + 1);
  };
  const last = new Map<string, number>();

  /** Stores messages of a conversation as transfer does: rows, then the conversation. */
  async function storeMessages(
    tenant: TenantId,
    conversationID: string,
    messages: readonly { sendID: string; day: number; contentType?: number }[],
  ): Promise<void> {
    const place = `${tenant} ${conversationID}`;
    const before = last.get(place) ?? 0;
    const rows = messages.map(({ sendID, day, contentType = 101 }, i) => ({
      ...{ tenant, conversationID, sendID, recvID: 'x', contentType },
      seq: before + i + 1,
      position: before + i + 1,
      dedupKey: Buffer.alloc(16, before + i),
      msgData: Buffer.from('m'),
      sendTime: 0,
      logTime: startOf(day) + 1_000 + i,
    }));
    for (let at = 0; at < rows.length; at += 1_000) await msgRows(store).insert(rows.slice(at, at + 1_000));
    const max = before + rows.length;
    await conversationSeqs(store).apply([
      { tenant, conversationID, max, src: max, maxTime: rows.at(-1)?.logTime ?? 0 },
    ]);
    last.set(place, max);
    const kind = conversationID.startsWith('si_')
      ? 'single'
      : conversationID.startsWith('sg_')
        ? 'group'
        : 'notification';
    for (const { sendID, day } of messages) {
      add(tenant, kind, day);
      if (kind !== 'notification') add(tenant, 'by', sendID);
      if (kind === 'group') add(tenant, 'in', conversationID.slice(3));
    }
  }

  const count = (tenant: TenantId, options: { batchMessages?: number; messages?: number } = {}) =>
    messageCounter(store, options).count(tenant, TODAY - 399, {
      messages: options.messages ?? 1_000_000,
      until: Number.POSITIVE_INFINITY,
      signal: never,
    });

  const jobDeps = () => ({
    messages: messageCounter(store),
    accounts: accountStatistics(store),
    days: statDayRepo(store),
    retention: statRetention(store),
    uploads: objectUploadRepo(store),
    runs: cronRunRepo(store),
    metrics: createMetrics(),
  });

  /** Compares everything that answers show with what was stored. */
  async function check(tenant: TenantId): Promise<void> {
    const found = new Map<string, number>();
    for (const day of await statDayRepo(store).days(tenant, { first: 0, last: TODAY + 1 }, 1_000)) {
      for (const kind of ['single', 'group', 'notification'] as const) {
        if (day[kind]) found.set(`${tenant} ${kind} ${day.day}`, day[kind]);
      }
    }
    const stats = msgStats(store, fixture.metrics);
    const period = { start: startOf(TODAY - 100), end: startOf(TODAY + 1) };
    for (const [id, n] of (await stats.bySender(tenant, period, true)).by) found.set(`${tenant} by ${id}`, n);
    for (const [id, n] of (await stats.byGroup(tenant, period)).by) found.set(`${tenant} in ${id}`, n);
    const wanted = [...expected].filter(([name]) => name.startsWith(`${tenant} `));
    assert.deepEqual(Object.fromEntries([...found].sort()), Object.fromEntries(wanted.sort()));
  }

  const messages = (n: number, senders: readonly string[], days: readonly number[]) =>
    Array.from({ length: n }, (_, i) => ({
      sendID: senders[i % senders.length] ?? '',
      day: days[Math.floor((i * days.length) / n)] ?? 0,
    }));

  test('each message counts once, by day, kind, user and group; later runs read new messages alone', async () => {
    for (const { id } of [a, c]) {
      await storeMessages(id, 'si_u1_u2', messages(1_500, ['u1', 'u2'], [TODAY - 3, TODAY - 1, TODAY]));
      await storeMessages(id, 'sg_g1', messages(300, ['u1', 'u2', 'u3'], [TODAY - 1, TODAY]));
      await storeMessages(id, 'n_g1', messages(10, ['u1'], [TODAY]));
      const first = await count(id, { batchMessages: 500 });
      assert.deepEqual([first.counted, first.isComplete], [1_810, true]);
      assert.ok(first.batches >= 2);
      await check(id);
      assert.deepEqual(await count(id), NOTHING_NEW);
      await storeMessages(id, 'sg_g1', messages(5, ['u4'], [TODAY]));
      assert.deepEqual(await count(id), { ...NOTHING_NEW, counted: 5, conversations: 1, batches: 1 });
      await check(id);
    }
    const [today] = await statDayRepo(store).days(a.id, { first: TODAY, last: TODAY }, 1);
    assert.deepEqual([today?.activeUsers, today?.activeGroups, today?.types], [4, 1, { 101: 665 }]);
  });

  test('content types that OpenIM does not name are counted as one', async () => {
    const made = Array.from({ length: 50 }, (_, i) => ({
      sendID: 'u9',
      day: TODAY - 20,
      contentType: 90_000 + i,
    }));
    await storeMessages(a.id, 'si_u8_u9', [...made, { sendID: 'u9', day: TODAY - 20, contentType: 102 }]);
    await count(a.id);
    const [day] = await statDayRepo(store).days(a.id, { first: TODAY - 20, last: TODAY - 20 }, 1);
    assert.deepEqual(day?.types, { 102: 1, other: 50 });
  });

  test('a day of many batches is merged, and counts as before', async () => {
    for (let i = 0; i < 20; i++) {
      await storeMessages(a.id, `si_m${i}_u1`, [{ sendID: `m${i}`, day: TODAY }]);
      await count(a.id);
      if (i % 6 === 0) await check(a.id);
    }
    await check(a.id);
  });

  test('a run ends with its budget, and the next goes on', async () => {
    for (let i = 0; i < 5; i++) await storeMessages(a.id, `sg_p${i}`, messages(1_000, ['u1'], [TODAY]));
    const first = await count(a.id, { messages: 1_000 });
    assert.deepEqual([first.isComplete, first.counted < 5_000, first.counted > 0], [false, true, true]);
    let counted = first.counted;
    while (counted < 5_000) counted += (await count(a.id, { messages: 1_000 })).counted;
    await count(a.id);
    await check(a.id);
  });

  test('two processes killed again and again, at once: nothing is lost or counted twice', {
    timeout: 280_000,
  }, async () => {
    for (let i = 0; i < 40; i++)
      await storeMessages(b.id, `si_k${i}_u1`, messages(150, [`k${i}`, 'u1'], [TODAY - 2, TODAY]));
    for (let i = 0; i < 10; i++)
      await storeMessages(b.id, `sg_k${i}`, messages(150, ['u1', 'u2'], [TODAY - 1]));
    const total = 40 * 150 + 10 * 150;
    const script = join(import.meta.dirname, 'count-process.ts');
    const start = () =>
      spawn(process.execPath, [script, fixture.uris.mongo, fixture.uris.redis, b.id], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    let kills = 0;
    for (let round = 0; ; round++) {
      assert.ok(round < 40, 'each round gets further');
      const before = (await statBatches(store, b.id).state()).batch;
      const pair = [start(), start()];
      const ended = pair.map((process) => once(process, 'exit'));
      // Until some batches more are made, which both are in the middle of; or until both have ended.
      let done = false;
      void Promise.all(ended).then(() => {
        done = true;
      });
      const enough = before + 2 + (round % 3);
      while (!done && (await statBatches(store, b.id).state()).batch < enough)
        await new Promise(setImmediate);
      for (const process of pair) if (process.exitCode === null && process.kill('SIGKILL')) kills++;
      await Promise.all(ended);
      if (done && (await statBatches(store, b.id).state()).total === total) break;
    }
    assert.ok(kills >= 4, `${kills} kills`);
    await count(b.id);
    await check(b.id);
    assert.equal((await statBatches(store, b.id).state()).total, total);
  });

  test('the first count of a tenant goes on at once, later ones when they are due', async () => {
    await storeMessages(d.id, 'si_u1_u2', messages(3_000, ['u1'], [TODAY]));
    const job = countStatistics({ schedule: '* * * * *', days: 400 }, { ...jobDeps(), maxMessages: 1_000 });
    const requests = async () =>
      (await cronRunRepo(store).requests(10)).filter(({ tenant }) => tenant === d.id);
    await job.run(d, never);
    assert.deepEqual(await requests(), [{ job: job.name, tenant: d.id }]);
    await cronRunRepo(store).removeRequest({ job: job.name, tenant: d.id });
    for (let i = 0; i < 3; i++) await job.run(d, never);
    await cronRunRepo(store).removeRequest({ job: job.name, tenant: d.id });
    await storeMessages(d.id, 'si_u1_u2', messages(3_000, ['u1'], [TODAY]));
    await job.run(d, never);
    assert.deepEqual(await requests(), []);
  });

  test('accounts and storage of each day, and counts by user that are no longer kept', async () => {
    const users = userRepo(store);
    const old = startOf(TODAY - 40) + 5;
    await users.insert(c.id, [
      user('o1', old),
      user('o2', startOf(TODAY - 2) + 7),
      user('o3', startOf(TODAY - 2) + 9),
    ]);
    await objectUploadRepo(store).reserve(c.id, 5_000, 0);
    await objectUploadRepo(store).noteObjects(c.id, 3);
    await storeMessages(c.id, 'si_old_u1', [{ sendID: 'old', day: TODAY - 30 }]);
    const run = (now: number, days: number) =>
      countStatistics({ schedule: '* * * * *', days }, { ...jobDeps(), now: () => now }).run(c, never);
    const now = Date.now();
    await run(now, 400);
    const repo = statDayRepo(store);
    const figures = async (day: number) => (await repo.days(c.id, { first: day, last: day }, 1))[0];
    assert.deepEqual(
      [(await figures(TODAY - 40))?.registrations, (await figures(TODAY - 39))?.users],
      [1, 1],
    );
    const twoAgo = await figures(TODAY - 2);
    assert.deepEqual([twoAgo?.registrations, twoAgo?.users], [2, 3]);
    const today = await figures(TODAY);
    assert.deepEqual([today?.storageBytes, today?.storageObjects, today?.users], [5_000, 3, 3]);

    // An account made on a day that is final is not looked for: answers come from the figures.
    await users.insert(c.id, [user('late', startOf(TODAY - 10) + 1), user('new', now)]);
    const whole = { start: startOf(TODAY - 50) + 1, end: now + 1 };
    const { days, before, total } = await users.registered(c.id, whole.start, whole.end);
    assert.deepEqual(days, { [dayName(TODAY - 40)]: 1, [dayName(TODAY - 2)]: 2, [dayName(dayOf(now))]: 1 });
    assert.deepEqual([before, total], [0, 4]);
    const part = await users.registered(c.id, startOf(TODAY - 2) + 8, startOf(TODAY - 1));
    assert.deepEqual([part.before, part.days], [2, { [dayName(TODAY - 2)]: 1 }]);

    const stats = () => msgStats(store, fixture.metrics);
    const period = { start: startOf(TODAY - 30), end: startOf(TODAY - 29) };
    assert.deepEqual([...(await stats().bySender(c.id, period, false)).by], [['old', 1]]);
    await run(now, 5);
    assert.equal((await stats().bySender(c.id, period, false)).total, 0);
    assert.equal((await figures(TODAY - 30))?.single, 1, 'the figures of the day stay');
  });

  test('days are those of the time zone; another one counts from then on, and earlier days stay', async () => {
    const inZone = (timeZone: string) => ({ ...e, statistics: { timeZone } });
    const shanghai = calendarOf('Asia/Shanghai');
    const now = startOf(TODAY) + 10 * HOUR;
    const run = (zone: string) => {
      fixture.tenants.put(inZone(zone));
      const deps = { ...jobDeps(), now: () => now };
      return countStatistics({ schedule: '* * * * *', days: 400 }, deps).run(inZone(zone), never);
    };
    // Both are on the same UTC day, and on two days in Shanghai, where it is eight hours later.
    const times = [startOf(TODAY - 5) + 15 * HOUR, startOf(TODAY - 5) + 17 * HOUR];
    const message = (seq: number, logTime: number) => ({
      ...{ tenant: e.id, conversationID: 'si_u1_u2', sendID: 'u1', recvID: 'x', contentType: 101 },
      ...{
        seq,
        position: seq,
        dedupKey: Buffer.alloc(16, seq),
        msgData: Buffer.from('m'),
        sendTime: 0,
        logTime,
      },
    });
    const put = async (...messages: readonly ReturnType<typeof message>[]) => {
      await msgRows(store).insert(messages);
      const max = messages.at(-1)?.seq ?? 0;
      await conversationSeqs(store).apply([
        { tenant: e.id, conversationID: 'si_u1_u2', max, src: max, maxTime: now },
      ]);
    };
    const figures = async (field: 'single' | 'registrations') =>
      (await statDayRepo(store).days(e.id, { first: TODAY - 10, last: TODAY + 1 }, 100))
        .filter((day) => day[field])
        .map((day) => [day.day - TODAY, day[field]]);
    await put(...times.map((time, i) => message(i + 1, time)));
    await userRepo(store).insert(
      e.id,
      times.map((time, i) => user(`z${i}`, time)),
    );
    await run('Asia/Shanghai');
    assert.deepEqual(await figures('single'), [
      [-5, 1],
      [-4, 1],
    ]);
    assert.deepEqual(await figures('registrations'), [
      [-5, 1],
      [-4, 1],
    ]);
    const { start, end } = { start: shanghai.startOf(TODAY - 4), end: shanghai.startOf(TODAY - 3) };
    const stats = () => msgStats(store, fixture.metrics);
    assert.deepEqual((await stats().bySender(e.id, { start, end }, false)).days, { [dayName(TODAY - 4)]: 1 });
    const made = () => userRepo(store).registered(e.id, startOf(TODAY - 6), startOf(TODAY + 1));
    assert.deepEqual((await made()).days, { [dayName(TODAY - 5)]: 1, [dayName(TODAY - 4)]: 1 });

    await put(message(3, times[1] ?? 0));
    fixture.tenants.put(inZone('UTC'));
    // No figure of the former zone is taken for one of the new.
    assert.deepEqual((await userRepo(store).registered(e.id, startOf(TODAY - 6), startOf(TODAY))).days, {
      [dayName(TODAY - 5)]: 2,
    });
    await run('UTC');
    assert.deepEqual(
      await figures('single'),
      [
        [-5, 2],
        [-4, 1],
      ],
      'what is counted then is by the new days',
    );
    assert.deepEqual(
      await figures('registrations'),
      [
        [-5, 1],
        [-4, 1],
      ],
      'final days stay',
    );
    assert.equal(
      (await userRepo(store).registered(e.id, startOf(TODAY - 5), startOf(TODAY - 4))).days[
        dayName(TODAY - 5)
      ],
      2,
    );
    await userRepo(store).insert(e.id, [user('today', now - HOUR)]);
    await run('UTC');
    assert.deepEqual((await figures('registrations')).at(-1), [0, 1]);
  });
});
