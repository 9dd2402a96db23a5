import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { MongoClient } from 'mongodb';
import type { Store } from '../src/index.ts';
import type { SentCommand } from '../src/mongo.ts';
import { openStore, startServers, type TestStore, untilReady } from './harness.ts';
import { growingShape } from './query-shape.ts';

/** Fields that belong to the session of the first sending. */
const NOT_EXPLAINED = new Set([
  'lsid',
  '$db',
  '$clusterTime',
  'txnNumber',
  'readConcern',
  'writeConcern',
  'cursor',
]);
const QUERIES = new Set(['find', 'aggregate', 'update', 'delete', 'count', 'distinct', 'findAndModify']);
/** Stages that read by an index, under the names that servers give them. */
const BY_INDEX = /^(IXSCAN|IDHACK|CLUSTERED_IXSCAN|COUNT_SCAN|DISTINCT_SCAN|EOF|EXPRESS_\w+)$/;

/** A store whose queries are collected, and the check of their plans. */
export interface QueryPlans {
  /** Usable inside tests. */
  readonly store: Store;
  /**
   * Asserts that every query since the last call reads by an index, sorts nothing in memory, and costs the
   * same however large its collection is, unless it `grows` by nature. @returns how many.
   */
  check(method: string, cost?: 'grows'): Promise<number>;
  /** Runs each method and checks its queries, of which there must be at least one. */
  checkAll(methods: Record<string, () => Promise<unknown>>, cost?: 'grows'): Promise<void>;
}

/** Opens a store on servers of the calling file before its tests, and closes both after them. */
export function queryPlans(): QueryPlans {
  const commands = collectedCommands();
  let servers: Awaited<ReturnType<typeof startServers>>;
  let opened: TestStore;
  const check = (method: string, cost?: 'grows') => commands.check(servers.uris.mongo, method, cost);
  before(async () => {
    servers = await startServers();
    opened = await openStore(servers.uris, { onCommand: commands.onCommand });
    await untilReady(opened.store);
    await check('start');
  });
  after(async () => {
    await opened?.[Symbol.asyncDispose]();
    await servers?.stop();
  });
  return {
    get store() {
      return opened.store;
    },
    check,
    async checkAll(methods, cost) {
      for (const [name, run] of Object.entries(methods)) {
        await run();
        assert.ok((await check(name, cost)) > 0, `${name} sent no query`);
      }
    },
  };
}

/** Collects what a store sends. */
function collectedCommands() {
  let sent: SentCommand[] = [];
  return {
    onCommand: (command: SentCommand) => void sent.push(command),
    async check(uri: string, method: string, cost?: 'grows'): Promise<number> {
      const queries = sent.filter(({ command }) => QUERIES.has(Object.keys(command)[0] ?? ''));
      sent = [];
      await using client = new MongoClient(uri);
      for (const { database, command } of queries) {
        if (cost !== 'grows') assert.equal(growingShape(command), undefined, method);
        const explain = Object.fromEntries(
          Object.entries(command).filter(([key]) => !NOT_EXPLAINED.has(key)),
        );
        if ('aggregate' in explain) explain.cursor = {};
        // One update or delete of a bulk at a time can be explained.
        for (const list of ['updates', 'deletes']) {
          if (Array.isArray(explain[list])) explain[list] = explain[list].slice(0, 1);
        }
        const answer = await client.db(database).command({ explain, verbosity: 'queryPlanner' });
        const stages = stagesOf(answer);
        const shown = `${method}: ${JSON.stringify(explain).slice(0, 300)} -> ${stages.join(' ')}`;
        assert.ok(
          stages.some((stage) => BY_INDEX.test(stage)),
          `no index: ${shown}`,
        );
        assert.ok(!stages.includes('COLLSCAN'), `reads the whole collection: ${shown}`);
        if ('find' in explain) assert.ok(!stages.includes('SORT'), `sorts in memory: ${shown}`);
      }
      return queries.length;
    },
  };
}

/** The names of all stages of the winning plans inside an explain answer. */
function stagesOf(answer: unknown): string[] {
  if (Array.isArray(answer)) return answer.flatMap(stagesOf);
  if (typeof answer !== 'object' || answer === null) return [];
  return Object.entries(answer).flatMap(([key, value]) => {
    if (key === 'rejectedPlans') return [];
    return key === 'stage' && typeof value === 'string' ? [value] : stagesOf(value);
  });
}
