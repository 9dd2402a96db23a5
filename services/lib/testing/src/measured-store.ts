import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TenantSettings } from '@im/contract';
import { startMongo, startRedis } from '@im/dev-stores';
import { type Metrics, messageOf } from '@im/kit';
import { createMetrics } from '@im/process';
import { conversationSeqs, msgRows, type NewMsgRow, type Store } from '@im/store';
import { connectStore } from './connect-store.ts';

/** A store on separate servers that says what work costs, for benchmarks. */
export interface MeasuredStore extends AsyncDisposable {
  readonly store: Store;
  readonly metrics: Metrics;
  /**
   * Does work and prints its time, CPU, commands and, with `explained`, what the database looked at for its reads. Work
   * that fails is printed as well, and lets the process end with 1.
   */
  phase(
    name: string,
    work: () => Promise<unknown>,
    options?: { readonly explained?: boolean },
  ): Promise<void>;
}

type Command = Readonly<Record<string, unknown>>;

const READS = ['find', 'aggregate', 'count'];
/** What only the driver may say. */
const OF_THE_DRIVER = /^(lsid|\$|txn|readConcern|writeConcern|cursor)/;
/** Reads of a phase that are explained. */
const MAX_EXPLAINED = 500;
/** Rows in one write. */
const AT_ONCE = 1_000;

/** Options of {@link startMeasuredStore}. */
export interface MeasuredStoreOptions {
  /** Cache of the database, as `512M`. @default the one of the tests */
  readonly cacheSize?: string;
  /** Whether each write waits for the disk. @default true */
  readonly syncOnCommit?: boolean;
}

/** Starts MongoDB and Redis and a store of one tenant on them. */
export async function startMeasuredStore(
  tenant: TenantSettings,
  options: MeasuredStoreOptions = {},
): Promise<MeasuredStore> {
  const dir = await mkdtemp(join(tmpdir(), 'measured-store-'));
  const [mongo, redis] = await Promise.all([
    startMongo({ ...options, dir: join(dir, 'mongo') }),
    startRedis({ dir: join(dir, 'redis') }),
  ]);
  const metrics = createMetrics();
  let sent: Command[] = [];
  const connected = await connectStore(
    { mongo: mongo.uri, redis: redis.uri, database: 'bench' },
    { tenants: [tenant], metrics, onCommand: ({ command }) => void sent.push(command) },
  );
  const { store } = connected;

  /** Keys and documents that the server looked at, by collection. */
  async function examined(commands: readonly Command[]): Promise<string> {
    const byPlace = new Map<string, { queries: number; keys: number; documents: number; returned: number }>();
    const reads = commands.filter((command) => READS.includes(Object.keys(command)[0] ?? ''));
    for (const command of reads.slice(0, MAX_EXPLAINED)) {
      const name = String(Object.values(command)[0]);
      const explain: Record<string, unknown> = Object.fromEntries(
        Object.entries(command).filter(([key]) => !OF_THE_DRIVER.test(key)),
      );
      if ('aggregate' in explain) explain.cursor = {};
      const sum = byPlace.get(name) ?? { queries: 0, keys: 0, documents: 0, returned: 0 };
      byPlace.set(name, sum);
      sum.queries++;
      const { db } = store.shared(name);
      const answer = await db.command({ explain, verbosity: 'executionStats' });
      const stats = answer.executionStats ?? answer.stages?.[0]?.$cursor?.executionStats ?? {};
      sum.keys += stats.totalKeysExamined ?? 0;
      sum.documents += stats.totalDocsExamined ?? 0;
      sum.returned += stats.nReturned ?? 0;
    }
    const left = reads.length - MAX_EXPLAINED;
    return [...byPlace]
      .map(
        ([name, { queries, keys, documents, returned }]) =>
          `${name}: ${queries} queries, ${keys} keys, ${documents} documents, ${returned} returned`,
      )
      .concat(left > 0 ? [`${left} more not explained`] : [])
      .join('; ');
  }

  return {
    store,
    metrics,
    async phase(name, work, { explained = true } = {}) {
      sent = [];
      const cpu = process.cpuUsage();
      const startedAt = performance.now();
      const { result, failure } = await work().then(
        (done) => ({ result: done, failure: undefined }),
        (error: unknown) => ({ result: undefined, failure: error }),
      );
      const ms = Math.round(performance.now() - startedAt);
      const { user, system } = process.cpuUsage(cpu);
      const commands = sent;
      if (failure !== undefined) {
        console.log(`${name}: FAILED after ${ms} ms, ${commands.length} commands: ${messageOf(failure)}`);
        process.exitCode = 1;
        return;
      }
      const shown = result === undefined ? '' : ` ${JSON.stringify(result)}`;
      console.log(
        `${name}: ${ms} ms, ${Math.round((user + system) / 1_000)} ms of CPU here, ${commands.length} commands${shown}`,
      );
      if (!explained) return;
      const looked = await examined(commands).catch((error) => `not explained: ${messageOf(error)}`);
      console.log(`  ${looked}`);
    },
    async [Symbol.asyncDispose]() {
      await connected[Symbol.asyncDispose]();
      await Promise.all([mongo.kill(), redis.kill()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A message to be stored, without its place. */
export type FilledMessage = Pick<NewMsgRow, 'sendID' | 'msgData' | 'sendTime' | 'logTime'>;

/** Stores messages of a conversation behind those that it has, as transfer does: rows, then the conversation. */
export async function fillConversation(
  store: Store,
  {
    tenant,
    conversationID,
    after,
  }: Pick<NewMsgRow, 'tenant' | 'conversationID'> & { readonly after: number },
  messages: readonly FilledMessage[],
): Promise<void> {
  const rows = messages.map(
    (message, i): NewMsgRow => ({
      ...{ tenant, conversationID, seq: after + i + 1, position: after + i + 1 },
      ...{ dedupKey: Buffer.alloc(16, i), recvID: '', contentType: 101, ...message },
    }),
  );
  for (let at = 0; at < rows.length; at += AT_ONCE) await msgRows(store).insert(rows.slice(at, at + AT_ONCE));
  const max = after + messages.length;
  const maxTime = messages.at(-1)?.sendTime ?? 0;
  await conversationSeqs(store).apply([{ tenant, conversationID, max, src: max, maxTime }]);
}
