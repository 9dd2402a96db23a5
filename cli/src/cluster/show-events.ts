import { messageOf } from '@im/kit';
import { ApiError, type CoreEvent, EVENT, type KubeClient, type Stored } from '@im/kube';
import { isForPeople, type OutputFormat, printRows, streamText } from '../output.ts';
import { redialDelayMs } from '../redial.ts';
import { stopOnSignals } from '../signals.ts';
import { eventLine, eventTimeMs, isOfCluster, storyEvent } from './events.ts';
import { type FoundCluster, kubeFailure, withCluster } from './find.ts';
import type { KubeOptions } from './options.ts';
import { pause } from './pause.ts';

/** Options of `openimctl cluster events`. */
export interface EventsOptions extends KubeOptions {
  /** Cluster of the context. */
  cluster?: string;
  watch: boolean;
  /** ms. */
  since?: number;
  type?: 'Normal' | 'Warning';
  own: boolean;
  output: OutputFormat;
}

const DEADLINE_MS = 15_000;
/** Events whose last count is remembered while watching. */
const REMEMBERED = 10_000;

/** Runs `openimctl cluster events`: what happened to a cluster and its objects, in order. */
export async function showEvents(name: string | undefined, options: EventsOptions): Promise<void> {
  await withCluster(name, options, DEADLINE_MS, async (found, client) => {
    const since = options.since === undefined ? 0 : Date.now() - options.since;
    const wanted = (event: Stored<CoreEvent>) =>
      isOfCluster(event, found, options.own) &&
      (options.type === undefined || (event.type ?? 'Normal') === options.type) &&
      eventTimeMs(event) >= since;
    if (options.watch) await watchEvents(client, found, wanted, options);
    else await printEvents(await listed(client, found, wanted), options.output);
  });
}

interface Listed {
  readonly events: readonly Stored<CoreEvent>[];
  readonly resourceVersion: string;
}

async function listed(
  client: KubeClient,
  { metadata: { namespace } }: FoundCluster,
  wanted: (event: Stored<CoreEvent>) => boolean,
): Promise<Listed> {
  const { items, resourceVersion } = await client.list(EVENT, { namespace, deadlineMs: DEADLINE_MS });
  const events = items.filter(wanted).sort((a, b) => eventTimeMs(a) - eventTimeMs(b));
  return { events, resourceVersion };
}

async function printEvents({ events }: Listed, output: OutputFormat): Promise<void> {
  if (output !== 'table') {
    const columns = ['time', 'type', 'object', 'reason', 'count', 'message'];
    await printRows(
      events.map((event) => ({ ...storyEvent(event) })),
      columns,
      output,
    );
    return;
  }
  if (events.length === 0) console.log('no events; Kubernetes forgets them after about an hour');
  for (const event of events) console.log(eventLine(storyEvent(event)));
}

/** Goes on through lost watches; what is listed again after one is not printed again. */
async function watchEvents(
  client: KubeClient,
  cluster: FoundCluster,
  wanted: (event: Stored<CoreEvent>) => boolean,
  { output }: EventsOptions,
): Promise<void> {
  const signal = stopOnSignals();
  const line = isForPeople(output) ? undefined : await streamText(output, 'reason');
  const printed = new Map<string, string>();
  const print = (event: Stored<CoreEvent>) => {
    const { uid = event.metadata.name, resourceVersion } = event.metadata;
    if (printed.get(uid) === resourceVersion) return;
    printed.delete(uid);
    printed.set(uid, resourceVersion);
    for (const [oldest] of printed) {
      if (printed.size <= REMEMBERED) break;
      printed.delete(oldest);
    }
    const story = storyEvent(event);
    process.stdout.write(line ? line(story) : `${eventLine(story)}\n`);
  };
  const { namespace } = cluster.metadata;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const { events, resourceVersion } = await listed(client, cluster, wanted);
      failures = 0;
      for (const event of events) print(event);
      for await (const change of client.watch(EVENT, { namespace, resourceVersion, signal })) {
        if ((change.type === 'ADDED' || change.type === 'MODIFIED') && wanted(change.object))
          print(change.object);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) throw error;
      const failure = kubeFailure(error, client);
      process.stderr.write(`openimctl: ${messageOf(failure)}\n`);
      await pause(redialDelayMs(failures++), signal);
    }
  }
}
