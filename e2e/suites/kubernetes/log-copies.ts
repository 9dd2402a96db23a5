import { setTimeout as sleep } from 'node:timers/promises';
import { STREAM, type StreamCopies } from '@im/contract';
import type { DeployedCluster, Pod } from '@im/dev-cluster';
import { now } from '@im/proof';

/** The copies of every stream at one moment, as the servers and the leaders among them say. */
export interface CopiesLook {
  /** Of the checker's clock, ms. */
  readonly at: number;
  /** The pods of NATS that are not being deleted. */
  readonly pods: readonly Pod[];
  /** Copies that are surely up to date, by stream; none of a stream without a leader. */
  readonly whole: ReadonlyMap<string, number>;
  /** Copies that are surely away or behind, by stream; a server that does not answer for the moment is in neither. */
  readonly behind: ReadonlyMap<string, number>;
}

/** Polls the copies of a cluster's streams during a test, and keeps what it saw. */
export interface CopiesRecorder extends AsyncDisposable {
  readonly looks: readonly CopiesLook[];
  /** Waits until all copies of all streams are up to date. @throws when they are not `withinMs` after `from`. */
  untilWhole(from: number, withinMs: number): Promise<CopiesLook>;
}

interface StreamDetail {
  readonly name: string;
  readonly state: { readonly last_seq: number };
  readonly cluster?: StreamCopies['cluster'];
}

/** What a server says of itself at its monitoring port. */
export interface ServerReport {
  readonly config?: { readonly sync_always?: boolean };
  readonly account_details?: readonly { readonly stream_detail?: readonly StreamDetail[] }[];
}

interface Server {
  readonly name: string;
  /** Undefined while it does not answer. */
  readonly streams: readonly StreamDetail[] | undefined;
}

/** Streams of which every server must have a copy. */
export const REPLICATED = [STREAM.log, STREAM.deliveries] as const;

const MONITOR_PORT = 8_222;
const SERVERS = 3;
const POLL_MS = 150;
/** Leaders hear from every copy each second. */
const HEARD_NS = 2e9;
/** Entries that are on their way under the load of a test. */
const ON_THE_WAY = 100;

/** Asks a NATS server for its streams and its configuration. */
export async function serverReport(cluster: DeployedCluster, { metadata }: Pod): Promise<ServerReport> {
  const key = { namespace: cluster.namespace, name: metadata.name };
  const path = 'jsz?accounts=true&streams=true&config=true';
  return JSON.parse(await cluster.testCluster.api.proxy(key, MONITOR_PORT, path)) as ServerReport;
}

export function streamsOf({ account_details: accounts = [] }: ServerReport): readonly StreamDetail[] {
  return accounts.flatMap((account) => account.stream_detail ?? []);
}

export function isWhole({ whole }: CopiesLook): boolean {
  return REPLICATED.every((stream) => whole.get(stream) === SERVERS);
}

export function recordCopies(cluster: DeployedCluster): CopiesRecorder {
  const looks: CopiesLook[] = [];
  const over = new AbortController();
  const polling = (async () => {
    while (!over.signal.aborted) {
      const look = await lookAt(cluster).catch(() => undefined);
      if (look) looks.push(look);
      await sleep(POLL_MS, undefined, { signal: over.signal }).catch(() => {});
    }
  })();
  return {
    looks,
    async untilWhole(from, withinMs) {
      for (;;) {
        const found = looks.find((look) => look.at >= from && isWhole(look));
        if (found) return found;
        const seen = JSON.stringify([...(looks.at(-1)?.whole ?? [])]);
        if (now() > from + withinMs) throw new Error(`not all copies are up to date: ${seen}`);
        await sleep(POLL_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await polling;
    },
  };
}

async function lookAt(cluster: DeployedCluster): Promise<CopiesLook> {
  const pods = await cluster.pods('nats');
  const servers = await Promise.all(
    pods.map(async (pod): Promise<Server> => {
      const report = await serverReport(cluster, pod).catch(() => undefined);
      return { name: pod.metadata.name, streams: report && streamsOf(report) };
    }),
  );
  const whole = new Map<string, number>();
  const behind = new Map<string, number>();
  for (const stream of REPLICATED) {
    const found = judge(stream, servers);
    if (!found) continue;
    whole.set(stream, found.whole);
    behind.set(stream, found.behind);
  }
  return { at: now(), pods, whole, behind };
}

/** Undefined while the stream has no leader. */
function judge(stream: string, servers: readonly Server[]): { whole: number; behind: number } | undefined {
  const detailOf = ({ streams }: Server) => streams?.find(({ name }) => name === stream);
  const leader = servers.find((server) => detailOf(server)?.cluster?.leader === server.name);
  const led = leader && detailOf(leader);
  if (!leader || !led) return undefined;
  let whole = 1;
  // A pod that is gone is a copy that is away.
  let behind = SERVERS - servers.length;
  for (const server of servers) {
    if (server === leader || server.streams === undefined) continue;
    const lag = led.state.last_seq - (detailOf(server)?.state.last_seq ?? 0);
    const seen = led.cluster?.replicas?.find(({ name }) => name === server.name);
    if (lag > ON_THE_WAY) behind += 1;
    else if (seen && !seen.offline && seen.active > 0 && seen.active < HEARD_NS) whole += 1;
  }
  return { whole, behind };
}
