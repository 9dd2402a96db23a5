import { messageOf } from '@im/kit';
import { ApiError, type KubeClient, type KubeObject, type ResourceType, type Stored } from '@im/kube';
import { redialDelayMs } from '../redial.ts';
import { kubeFailure } from './find.ts';
import { pause } from './pause.ts';

/** What is known of an object at a moment. */
export interface Sight<T extends KubeObject> {
  /** Undefined while there is no such object, or its state is unknown. */
  readonly object: Stored<T> | undefined;
  /** Why the API server gave no answer; the next snapshot follows when it does. */
  readonly problem?: string;
}

const DEADLINE_MS = 10_000;

/**
 * Every change of an object, beginning with what is; goes on through lost watches and a restarted
 * API server until the signal aborts. @throws CommandError when the API server refuses.
 */
export async function* follow<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  signal: AbortSignal,
): AsyncGenerator<Sight<T>> {
  const fieldSelector = `metadata.name=${name}`;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const listed = await client.list(type, {
        namespace,
        fieldSelector,
        signal,
        deadlineMs: DEADLINE_MS,
      });
      failures = 0;
      yield { object: listed.items[0] };
      const { resourceVersion } = listed;
      const events = client.watch(type, { namespace, fieldSelector, signal, resourceVersion });
      for await (const event of events) {
        if (event.type === 'BOOKMARK') continue;
        yield { object: event.type === 'DELETED' ? undefined : event.object };
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        throw kubeFailure(error, client);
      }
      const failure = kubeFailure(error, client);
      yield { object: undefined, problem: messageOf(failure) };
      await pause(redialDelayMs(failures++), signal);
    }
  }
}
