import { messageOf } from '@im/kit';
import { ApiError, type KubeClient, type LogLine, POD, type Pod, type Stored } from '@im/kube';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import { showProgress } from '../progress.ts';
import { redialDelayMs } from '../redial.ts';
import { stopOnSignals } from '../signals.ts';
import { writeOut } from '../stdout.ts';
import { type FoundCluster, kubeFailure, podsOfCluster, withCluster } from './find.ts';
import type { KubeOptions } from './options.ts';
import { pause } from './pause.ts';

/** Options of `openimctl cluster logs`. */
export interface LogsOptions extends KubeOptions {
  /** Cluster of the context. */
  cluster?: string;
  role?: string;
  pod?: string;
  follow: boolean;
  /** ms. */
  since?: number;
  tail?: number;
}

const DEADLINE_MS = 15_000;
/** Most pods that are read at the same time. */
export const MAX_PODS = 30;
/** Most bytes of each pod, where its log is not followed. */
const LIMIT_BYTES = 8_388_608;
/** Lines of each pod, where neither a time nor a number is given. */
const TAIL = 200;
/** Between looks for new pods. */
const POLL_MS = 3_000;

/** A line, and the pod that wrote it. */
interface PodLine extends LogLine {
  readonly pod: string;
}

/** A line as it is printed; control characters of logs do not steer the terminal. */
export function podLine({ pod, text }: PodLine, width: number): string {
  return `${pod.padEnd(width)} | ${text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (control) => (control === '\t' ? control : '?'))}\n`;
}

/** Runs `openimctl cluster logs`: the logs of all pods of a role, each line with its pod. */
export async function showLogs(name: string | undefined, options: LogsOptions): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async (found, client) => {
    const pods = await podsOf(client, found, options);
    if (pods.length > MAX_PODS) {
      throw usageError(
        `${pods.length} pods match, and at most ${MAX_PODS} are read: narrow it down by --role or --pod`,
      );
    }
    if (options.follow) await followAll(client, found, options);
    else if (pods.length === 0) throw noPods(found, options);
    else await printAll(client, pods, options);
  });
}

function noPods({ metadata: { name, namespace } }: FoundCluster, { role, pod }: LogsOptions): CommandError {
  const what = [role && `role ${role}`, pod && `name ${pod}`].filter(Boolean).join(' and ');
  return new CommandError(
    EXIT.unreachable,
    `${namespace}/${name} has no pods${what && ` of ${what}`}; openimctl cluster status ${name} -n ${namespace} shows what it has`,
  );
}

async function podsOf(
  client: KubeClient,
  { metadata: { name, namespace } }: FoundCluster,
  { role, pod }: LogsOptions,
): Promise<Stored<Pod>[]> {
  const labelSelector = podsOfCluster(name, role);
  const { items } = await client.list(POD, { namespace, labelSelector, deadlineMs: DEADLINE_MS });
  return items
    .filter(({ metadata }) => pod === undefined || metadata.name === pod)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** The pods that can be read are; a pod that has not started has no log. */
async function printAll(
  client: KubeClient,
  pods: readonly Stored<Pod>[],
  options: LogsOptions,
): Promise<void> {
  const lines: PodLine[] = [];
  const signal = stopOnSignals();
  const sinceMs = options.since === undefined ? undefined : Date.now() - options.since;
  const tailLines = options.tail ?? (options.since === undefined ? TAIL : undefined);
  const problems: string[] = [];
  {
    using _shown = showProgress(() => `${lines.length} lines of ${pods.length} pods so far`);
    await Promise.all(
      pods.map(async ({ metadata, spec }) => {
        const pod = metadata.name;
        const container = spec?.containers[0]?.name;
        const asked = { container, sinceMs, tailLines, limitBytes: LIMIT_BYTES, signal };
        try {
          for await (const line of client.logs({ namespace: metadata.namespace, name: pod }, asked)) {
            lines.push({ ...line, pod });
          }
        } catch (error) {
          if (signal.aborted) return;
          if (error instanceof ApiError && error.status === 403) throw error;
          problems.push(`${pod}: ${messageOf(error)}`);
        }
      }),
    );
  }
  for (const problem of problems.sort()) process.stderr.write(`openimctl: ${problem}\n`);
  const width = Math.max(0, ...pods.map(({ metadata }) => metadata.name.length));
  lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  for (const line of lines) {
    if (signal.aborted) return;
    await writeOut(podLine(line, width), signal);
  }
  if (lines.length === 0 && problems.length === 0) {
    process.stderr.write(`openimctl: ${pods.length} pods have no such lines\n`);
  }
  if (problems.length === pods.length) {
    throw new CommandError(EXIT.unreachable, `no log of ${pods.length} pods could be read`);
  }
}

/** Follows what there is and what comes: pods of a roll-out are picked up, and those that are gone are let go. */
async function followAll(client: KubeClient, cluster: FoundCluster, options: LogsOptions): Promise<void> {
  const end = new AbortController();
  const signal = AbortSignal.any([end.signal, stopOnSignals()]);
  process.stdout.on('error', () => end.abort());
  const followed = new Map<string, Promise<void>>();
  const startedAt = Date.now();
  let refusal: unknown;
  let width = 0;
  let waitingSaid = false;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const pods = await podsOf(client, cluster, options);
      failures = 0;
      if (pods.length === 0 && !waitingSaid) {
        process.stderr.write(`openimctl: ${noPods(cluster, options).message}; waiting for some\n`);
        waitingSaid = true;
      }
      for (const pod of pods) {
        const { uid } = pod.metadata;
        if (followed.has(uid) || followed.size >= MAX_PODS) continue;
        width = Math.max(width, pod.metadata.name.length);
        const isFirst = followed.size < pods.length && Date.now() - startedAt < POLL_MS;
        const following = followPod(client, pod, {
          ...options,
          signal,
          whole: !isFirst,
          print: (line) => writeOut(podLine(line, width), signal),
        })
          .catch((error: unknown) => {
            refusal ??= error;
            end.abort();
          })
          .finally(() => followed.delete(uid));
        followed.set(uid, following);
      }
    } catch (error) {
      if (signal.aborted) break;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) throw error;
      const failure = kubeFailure(error, client);
      process.stderr.write(`openimctl: ${messageOf(failure)}\n`);
      await pause(redialDelayMs(failures++), signal);
    }
    await pause(POLL_MS, signal);
  }
  await Promise.all(followed.values());
  if (refusal !== undefined) throw refusal;
}

interface Following extends Pick<LogsOptions, 'since' | 'tail'> {
  readonly signal: AbortSignal;
  /** From its first line. */
  readonly whole: boolean;
  readonly print: (line: PodLine) => Promise<void>;
}

/**
 * Follows one pod until it is gone, through restarts of its container and of the API server. Lines that were printed are not
 * printed again: times have nanoseconds. @throws ApiError 403
 */
async function followPod(
  client: KubeClient,
  { metadata, spec }: Stored<Pod>,
  { since, tail, signal, whole, print }: Following,
): Promise<void> {
  const key = { namespace: metadata.namespace, name: metadata.name };
  const container = spec?.containers[0]?.name;
  let last = '';
  for (let failures = 0; !signal.aborted; ) {
    const first = last === '';
    const sinceMs = first
      ? since !== undefined && !whole
        ? Date.now() - since
        : undefined
      : Date.parse(last);
    const tailLines = first && !whole ? (tail ?? (since === undefined ? 10 : undefined)) : undefined;
    try {
      for await (const line of client.logs(key, { container, follow: true, sinceMs, tailLines, signal })) {
        failures = 0;
        if (line.time <= last) continue;
        last = line.time;
        await print({ ...line, pod: metadata.name });
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === 403) throw error;
      if (error instanceof ApiError && error.status === 404) return;
    }
    // The container ended, or has not started.
    const pod = await client.get(POD, key, { deadlineMs: DEADLINE_MS, signal }).catch(() => metadata);
    if (pod === undefined) return;
    await pause(redialDelayMs(failures++), signal);
  }
}
