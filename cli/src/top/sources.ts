import { type LiveSample, watchLive } from '@im/admin-api';
import { eachLimited, messageOf } from '@im/kit';
import type { KubeClient } from '@im/kube';
import { adminFailure, openAdmin } from '../admin/call.ts';
import { clusterKey, displayName, kubeFailure, matchingClusters, onlyCluster } from '../cluster/find.ts';
import { type OpsPages, opsPagesOf } from '../cluster/ops-pages.ts';
import type { ClusterChoice } from '../cluster/options.ts';
import { pause } from '../cluster/pause.ts';
import { opsText } from '../doctor/processes.ts';
import { EXIT } from '../exit-codes.ts';
import { redialDelayMs } from '../redial.ts';
import type { TargetOptions } from '../target-options.ts';
import { type ProcessPages, type ProcessReading, processReading, type Reading } from './reading.ts';
import type { Sort } from './view.ts';

/** Where figures come from: readings, one after the other. */
export interface Source {
  /** For the first line of a screen. */
  readonly name: string;
  /** Readings at an interval, ms, until the signal aborts; what cannot be read is among their problems. */
  readings(intervalMs: number, sort: () => Sort, signal: AbortSignal): AsyncIterable<Reading>;
}

/** Most processes that are asked at the same time. */
const AT_ONCE = 16;
/** Most tenants that a gateway is asked for. */
const TENANTS = 500;

/** By which the tenants of a gateway are sorted, so that the first ones are those that are shown first. */
const SORTS: Readonly<Record<Sort, string>> = {
  name: 'connections',
  connections: 'connections',
  in: 'sends',
  out: 'pushes',
  refused: 'refusals',
  cpu: 'sends',
  memory: 'connections',
  lag: 'connections',
};

async function pagesOf(process: OpsPages, sort: Sort): Promise<ProcessPages> {
  const [status, metrics] = await Promise.all([process.page('status'), process.page('metrics')]);
  const roles: unknown = JSON.parse(status).roles;
  if (!Array.isArray(roles) || !roles.some((role) => role === 'gateway' || role === 'all')) {
    return { status, metrics };
  }
  // Gateways of earlier versions know no such page.
  const tenants = await process.page(`tenants?limit=${TENANTS}&sort=${SORTS[sort]}`).catch(() => undefined);
  return { status, metrics, tenants };
}

async function readAll(processes: readonly OpsPages[], sort: Sort): Promise<Reading> {
  const atMs = performance.now();
  const found: ProcessReading[] = [];
  const problems: string[] = [];
  await eachLimited(processes, AT_ONCE, async (process) => {
    try {
      found.push(processReading(process.name, await pagesOf(process, sort)));
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      problems.push(`${process.name}: ${messageOf(cause)}`);
    }
  });
  return { atMs, processes: found, problems: problems.sort() };
}

async function* polled(
  read: () => Promise<Reading>,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Reading> {
  while (!signal.aborted) {
    const startedAt = performance.now();
    yield await read();
    await pause(intervalMs - (performance.now() - startedAt), signal);
  }
}

/** Processes by the URLs of their ops ports. */
export function opsSource(urls: readonly string[]): Source {
  const processes = urls.map((url) => ({
    name: URL.parse(url)?.host ?? url,
    page: (path: string) => opsText(url, `/${path}`),
  }));
  return {
    name: urls.length === 1 ? (urls[0] ?? '') : `${urls.length} ops ports`,
    readings: (intervalMs, sort, signal) => polled(() => readAll(processes, sort()), intervalMs, signal),
  };
}

/** The pods of a cluster, through the API server. @throws CommandError when there is no such cluster. */
export async function clusterSource(client: KubeClient, choice: ClusterChoice): Promise<Source> {
  const key = clusterKey(choice);
  const cluster = onlyCluster(await matchingClusters(client, key, 15_000), key, client);
  const read = async (sort: Sort): Promise<Reading> =>
    readAll(await opsPagesOf(client, cluster, 'top'), sort);
  return {
    name: displayName(cluster),
    readings: (intervalMs, sort, signal) =>
      polled(
        async () => {
          try {
            return await read(sort());
          } catch (error) {
            throw kubeFailure(error, client);
          }
        },
        intervalMs,
        signal,
      ),
  };
}

/** Gateways as far as one tenant goes, by the administrators' API, which has them from their heartbeats. */
export function apiSource(options: TargetOptions): Source {
  return {
    name: `tenant ${options.tenant}`,
    async *readings(_intervalMs, _sort, signal) {
      let apiUrl = '';
      for (let failures = 0, lines = 0; !signal.aborted; ) {
        try {
          const opened = await openAdmin(options);
          apiUrl = opened.apiUrl;
          // The server ends it after a minute, and is asked again.
          for await (const sample of opened.admin.stream(watchLive, {}, { signal })) {
            failures = 0;
            lines++;
            yield ofSample(options.tenant, sample);
          }
        } catch (error) {
          if (signal.aborted) return;
          const failure = adminFailure(error, apiUrl);
          if (lines === 0 || failure.exitCode !== EXIT.unreachable) throw failure;
          yield { atMs: performance.now(), processes: [], problems: [failure.message] };
          await pause(redialDelayMs(failures++), signal);
        }
      }
    },
  };
}

function ofSample(tenant: string, { gateways }: LiveSample): Reading {
  const processes = gateways.map(({ gatewayID, ...here }) => {
    // Servers of earlier versions count no traffic.
    const { users, connections, sends = 0, refusals = 0, pushes = 0 } = here;
    return {
      ...{ name: gatewayID, instance: gatewayID, roles: ['gateway'], state: 'live' },
      ...{ users, connections, sends, pushes, refusals, tenantsOmitted: 0 },
      tenants: [{ tenant, users, connections, sends, refusals, pushes }],
    };
  });
  return { atMs: performance.now(), processes, problems: [] };
}
