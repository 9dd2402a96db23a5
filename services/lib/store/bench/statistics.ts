/**
 * What statistics cost: the first count of all messages, a count of some new ones, one without any, and the answers.
 *
 *     node services/lib/store/bench/statistics.ts [messages] [conversations] [users]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tenantSettings } from '@im/contract';
import { startMongo, startRedis } from '@im/dev-stores';
import { inProcessInvalidations, sleep, staticTenants, UTC } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { type Document, MongoClient } from 'mongodb';
import {
  conversationSeqs,
  createStore,
  messageCounter,
  msgRows,
  msgStats,
  type NewMsgRow,
  statDayRepo,
} from '../src/index.ts';

const [messages = 1_000_000, conversations = 5_000, users = 10_000] = process.argv.slice(2).map(Number);
const DAYS = 30;
const { dayOf, startOf } = UTC;
const TODAY = dayOf(Date.now());
const INSERTED = 1_000;
const NEW_MESSAGES = 1_000;
const READS = ['find', 'aggregate', 'count'];

const tenant = tenantSettings({ id: 'bench', tokenSecret: 's', adminSecret: 's' });
const dir = await mkdtemp(join(tmpdir(), 'statistics-'));
const [mongo, redis] = await Promise.all([
  startMongo({ dir: join(dir, 'mongo') }),
  startRedis({ dir: join(dir, 'redis') }),
]);
const [log, metrics] = [silentLogger(), createMetrics()];
const tasks = createTaskRunner({ log, metrics });
let sent: { readonly database: string; readonly command: Document }[] = [];
const store = createStore(
  { mongo: { uri: mongo.uri, database: 'bench', maxPoolSize: 10 }, redis: { uri: redis.uri } },
  {
    ...{ log, metrics, tasks, tenants: staticTenants([tenant]), invalidations: inProcessInvalidations() },
    onCommand: (command) => void sent.push(command),
  },
);
await store.start();
while (!store.ready().ready) await sleep(20);
const client = new MongoClient(mongo.uri);

/** Conversations: half of them groups. */
const idOf = (i: number) => (i % 2 === 0 ? `si_u${i % users}_u${(i + 1) % users}` : `sg_g${i}`);
const lastSeqs = new Map<string, number>();

/** Stores messages of conversations, each with as many as the others, over some days. */
async function fill(count: number, days: readonly number[], places: number): Promise<void> {
  const perPlace = Math.ceil(count / places);
  let rows: NewMsgRow[] = [];
  for (let n = 0; n < places; n++) {
    const conversationID = idOf(n);
    const before = lastSeqs.get(conversationID) ?? 0;
    for (let i = 0; i < perPlace; i++) {
      const day = days[Math.floor((i * days.length) / perPlace)] ?? TODAY;
      rows.push({
        ...{ tenant: tenant.id, conversationID, seq: before + i + 1, position: before + i + 1 },
        ...{ dedupKey: Buffer.alloc(16, i), msgData: Buffer.alloc(300, 'm'), recvID: '', contentType: 101 },
        sendID: `u${(n * 7 + i) % users}`,
        sendTime: startOf(day) + i,
        logTime: startOf(day) + i,
      });
    }
    const max = before + perPlace;
    lastSeqs.set(conversationID, max);
    if (rows.length < INSERTED && n < places - 1) continue;
    for (let at = 0; at < rows.length; at += INSERTED)
      await msgRows(store).insert(rows.slice(at, at + INSERTED));
    rows = [];
  }
  const updates = Array.from({ length: places }, (_, n) => {
    const max = lastSeqs.get(idOf(n)) ?? 0;
    return { tenant: tenant.id, conversationID: idOf(n), max, src: max, maxTime: startOf(TODAY) };
  });
  for (let at = 0; at < updates.length; at += 500)
    await conversationSeqs(store).apply(updates.slice(at, at + 500));
}

/** Keys and documents that the server looked at for the queries of a phase, where it says so. */
async function examined(): Promise<string> {
  const queries = sent.filter(({ command }) => READS.includes(Object.keys(command)[0] ?? ''));
  const byPlace = new Map<string, { queries: number; keys: number; documents: number; returned: number }>();
  for (const { database, command } of queries) {
    const [name] = Object.values(command);
    const explain = Object.fromEntries(
      Object.entries(command).filter(([key]) => !/^(lsid|\$|txn|readConcern|writeConcern|cursor)/.test(key)),
    );
    if ('aggregate' in explain) explain.cursor = {};
    const sum = byPlace.get(name) ?? { queries: 0, keys: 0, documents: 0, returned: 0 };
    byPlace.set(name, sum);
    sum.queries++;
    const answer = await client.db(database).command({ explain, verbosity: 'executionStats' });
    const stats = answer.executionStats ?? answer.stages?.[0]?.$cursor?.executionStats ?? {};
    sum.keys += stats.totalKeysExamined ?? 0;
    sum.documents += stats.totalDocsExamined ?? 0;
    sum.returned += stats.nReturned ?? 0;
  }
  return [...byPlace]
    .map(
      ([name, { queries: n, keys, documents, returned }]) =>
        `${name}: ${n} queries, ${keys} keys, ${documents} documents, ${returned} returned`,
    )
    .join('; ');
}

/** Runs a phase and prints what it cost. */
async function phase(name: string, work: () => Promise<unknown>, explained = true): Promise<void> {
  sent = [];
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const result = await work();
  const ms = Math.round(performance.now() - startedAt);
  const { user, system } = process.cpuUsage(cpu);
  const shown = result === undefined ? '' : ` ${JSON.stringify(result)}`;
  console.log(
    `${name}: ${ms} ms, ${Math.round((user + system) / 1_000)} ms of CPU here, ${sent.length} commands${shown}`,
  );
  if (explained) console.log(`  ${await examined()}`);
}

const { signal } = new AbortController();
const count = () =>
  messageCounter(store).count(tenant.id, TODAY - 399, {
    messages: 2 * messages,
    until: Number.POSITIVE_INFINITY,
    signal,
  });
const period = { start: startOf(TODAY - DAYS), end: startOf(TODAY + 1) };
const answer =
  (work: (stats: ReturnType<typeof msgStats>) => ReturnType<ReturnType<typeof msgStats>['byGroup']>) =>
  async () => {
    const { by, total } = await work(msgStats(store, metrics));
    return { entries: by.size, total };
  };
try {
  console.log(`${messages} messages, ${conversations} conversations, ${users} users, ${DAYS} days`);
  const days = Array.from({ length: DAYS }, (_, i) => TODAY - DAYS + 1 + i);
  await phase('stored', () => fill(messages, days, conversations), false);
  await phase('first count', count, false);
  await phase('count without new messages', count);
  await fill(NEW_MESSAGES, [TODAY], NEW_MESSAGES / 10);
  await phase(`count of ${NEW_MESSAGES} new messages`, count);
  await phase(
    'users of 30 days',
    answer((stats) => stats.bySender(tenant.id, period, true)),
  );
  await phase(
    'groups of 30 days',
    answer((stats) => stats.byGroup(tenant.id, period)),
  );
  await phase(
    'users of one day',
    answer((stats) => stats.bySender(tenant.id, { ...period, start: startOf(TODAY) }, true)),
  );
  await phase('daily figures', async () => {
    const found = await statDayRepo(store).days(tenant.id, { first: TODAY - 400, last: TODAY }, 500);
    return { days: found.length };
  });
} finally {
  await client.close();
  await tasks.stop();
  await store.stop(AbortSignal.timeout(5_000));
  await Promise.all([mongo.kill(), redis.kill()]);
  await rm(dir, { recursive: true, force: true });
}
