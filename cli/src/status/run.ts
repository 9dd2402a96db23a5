import type { KubeClient } from '@im/kube';
import { OPENIM_CLUSTER, type OpenIMCluster } from '@im/operator';
import {
  clusterKey,
  displayName,
  type FoundCluster,
  matchingClusters,
  onlyCluster,
  openKube,
} from '../cluster/find.ts';
import { follow, type Sight } from '../cluster/follow.ts';
import type { KubeOptions } from '../cluster/options.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import { isForPeople, type OutputFormat, printRows, printValue, streamText } from '../output.ts';
import { stopOnSignals } from '../signals.ts';
import { CLUSTER_COLUMNS, clusterRow } from './rows.ts';
import { isReady, statusScreen, waitsFor } from './screen.ts';

/** Options of `openimctl status`. */
export interface StatusOptions extends KubeOptions {
  watch: boolean;
  wait: boolean;
  timeout?: number;
  /** Cluster of the context. */
  cluster?: string;
  output: OutputFormat;
}

const DEADLINE_MS = 15_000;
const DEFAULT_TIMEOUT_MS = 600_000;
const PROGRESS_MS = 2_000;
const CLEAR = '\x1b[H\x1b[2J\x1b[3J';

/** Runs `openimctl status`. @throws CommandError `unreachable` when a wait took too long. */
export async function runStatus(name: string | undefined, options: StatusOptions): Promise<void> {
  if (options.timeout !== undefined && !options.wait) throw usageError('--timeout is for --wait: add it');
  const choice = {
    ...options,
    cluster: name ?? options.cluster ?? (process.env.OPENIM_CLUSTER || undefined),
  };
  const key = clusterKey(choice);
  const client = await openKube(choice);
  try {
    if (!options.wait && !options.watch) {
      const found = await matchingClusters(client, key, DEADLINE_MS);
      if (found.length > 1)
        await printRows(
          found.map((each) => clusterRow(each, Date.now())),
          CLUSTER_COLUMNS,
          options.output,
        );
      else await print(onlyCluster(found, key, client), options, false);
      return;
    }
    await stay(client, await keyToFollow(client, key), options);
  } finally {
    client.close();
  }
}

/** Name and namespace; a cluster that has both in its name may still have to come into being. */
async function keyToFollow(
  client: KubeClient,
  key: ReturnType<typeof clusterKey>,
): Promise<{ name: string; namespace: string }> {
  const { name, namespace } = key;
  if (name !== undefined && namespace !== undefined) return { name, namespace };
  const { metadata } = onlyCluster(await matchingClusters(client, key, DEADLINE_MS), key, client);
  return { name: metadata.name, namespace: metadata.namespace ?? client.namespace };
}

async function stay(
  client: KubeClient,
  key: { name: string; namespace: string },
  options: StatusOptions,
): Promise<void> {
  const startedAt = performance.now();
  const done = new AbortController();
  const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
  const timer = options.wait ? setTimeout(() => done.abort(), timeoutMs) : undefined;
  const signal = AbortSignal.any([done.signal, stopOnSignals()]);
  let sight: Sight<OpenIMCluster> = { object: undefined };
  let last: FoundCluster | undefined;
  const say = () => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const what = `openimctl: ${seconds} s, ${key.namespace}/${key.name}: ${describe(sight)}\n`;
    process.stderr.write(what);
  };
  const progress = options.wait && !options.watch ? setInterval(say, PROGRESS_MS) : undefined;
  let ready = false;
  try {
    for await (sight of follow(client, OPENIM_CLUSTER, key, signal)) {
      if (sight.object) last = sight.object;
      if (options.watch) await show(sight, options);
      ready = sight.object !== undefined && isReady(sight.object);
      if (ready && options.wait) break;
    }
  } finally {
    clearTimeout(timer);
    clearInterval(progress);
  }
  if (!options.watch && last) await print(last, options, false);
  if (ready || !options.wait) return;
  const why = done.signal.aborted
    ? `not ready after ${Math.round(timeoutMs / 1_000)} s`
    : 'stopped before it was ready';
  throw new CommandError(EXIT.unreachable, `${key.namespace}/${key.name}: ${why}: ${describe(sight)}`);
}

function describe({ object, problem }: Sight<OpenIMCluster>): string {
  if (object) return isReady(object) ? 'ready' : waitsFor(object);
  return problem ?? 'there is no such OpenIMCluster (yet)';
}

async function show(sight: Sight<OpenIMCluster>, options: StatusOptions): Promise<void> {
  if (sight.object) await print(sight.object, options, true);
  else process.stderr.write(`openimctl: ${describe(sight)}\n`);
}

/** Prints one state; as one of many, a screen replaces the one before, and JSON takes one line. */
async function print(cluster: FoundCluster, { output }: StatusOptions, oneOfMany: boolean): Promise<void> {
  if (isForPeople(output)) {
    const clear = oneOfMany && process.stdout.isTTY ? CLEAR : '';
    process.stdout.write(
      `${clear}${statusScreen(cluster, Date.now(), output === 'wide')}\n${oneOfMany ? '\n' : ''}`,
    );
  } else if (oneOfMany) process.stdout.write((await streamText(output))(stateOf(cluster)));
  else await printValue(stateOf(cluster), output);
}

/** What programs get: the status as the operator wrote it, with what it is about. */
function stateOf(cluster: FoundCluster) {
  const { name, namespace, generation } = cluster.metadata;
  return {
    cluster: displayName(cluster),
    name,
    namespace,
    generation,
    ready: isReady(cluster),
    ...cluster.status,
  };
}
