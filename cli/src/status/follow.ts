import { messageOf } from '@im/kit';
import { ApiError, type KubeClient } from '@im/kube';
import { OPENIM_CLUSTER } from '@im/operator';
import { type FoundCluster, kubeFailure } from '../cluster/find.ts';
import { redialDelayMs } from '../redial.ts';

/** What is known of a cluster at a moment. */
export interface Sight {
  /** Undefined while there is no such cluster, or its status is unknown. */
  readonly cluster: FoundCluster | undefined;
  /** Why the API server gave no answer; the next snapshot follows when it does. */
  readonly problem?: string;
}

const DEADLINE_MS = 10_000;

/**
 * Every change of a cluster, beginning with what is; goes on through lost watches and a restarted
 * API server until the signal aborts. @throws CommandError when the API server refuses.
 */
export async function* follow(
  client: KubeClient,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  signal: AbortSignal,
): AsyncGenerator<Sight> {
  const fieldSelector = `metadata.name=${name}`;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const listed = await client.list(OPENIM_CLUSTER, {
        namespace,
        fieldSelector,
        signal,
        deadlineMs: DEADLINE_MS,
      });
      failures = 0;
      yield { cluster: listed.items[0] };
      const { resourceVersion } = listed;
      const events = client.watch(OPENIM_CLUSTER, { namespace, fieldSelector, signal, resourceVersion });
      for await (const event of events) {
        if (event.type === 'BOOKMARK') continue;
        yield { cluster: event.type === 'DELETED' ? undefined : event.object };
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        throw kubeFailure(error, client);
      }
      const failure = kubeFailure(error, client);
      yield { cluster: undefined, problem: messageOf(failure) };
      await pause(redialDelayMs(failures++), signal);
    }
  }
}

/** Waits, or less when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
