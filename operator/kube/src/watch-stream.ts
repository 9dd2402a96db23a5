import type { OpenAnswer } from './caller.ts';
import { ApiError, ConnectionError, type ErrorDetails } from './errors.ts';
import { connectionError } from './exchange.ts';
import type { WatchEvent } from './kube-client.ts';
import type { KubeObject, ResourceType, Stored } from './objects.ts';
import { apiVersionOf } from './resource-types.ts';

/** A line of a watch. */
interface WatchLine<T extends KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Stored<T> & {
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly details?: ErrorDetails;
  };
}

/**
 * The events of an open watch, until the server ends it.
 * @throws {ApiError} for an ERROR event, {ConnectionError} when the connection breaks or nothing
 * comes for `silenceMs`; the signal's reason.
 */
export async function* watchEvents<T extends KubeObject>(
  type: ResourceType<T>,
  { response, target, call }: OpenAnswer,
  silenceMs: number,
): AsyncGenerator<WatchEvent<T>> {
  const where = `GET ${target.base.origin}/${call.path.split('?', 1)[0]}`;
  const silence = setTimeout(() => {
    const message = `${where}: silent for ${silenceMs / 1_000} s, the watch is taken for dead`;
    response.destroy(new ConnectionError(message, { silent: true }));
  }, silenceMs);
  response.setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of response) {
      silence.refresh();
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield toEvent(type, JSON.parse(line));
    }
  } catch (error) {
    call.signal?.throwIfAborted();
    if (error instanceof ApiError || error instanceof ConnectionError) throw error;
    throw connectionError(call, target, error);
  } finally {
    clearTimeout(silence);
    response.destroy();
  }
  // A server that dies may end the body as if it were complete, in the middle of an event.
  if (rest !== '') {
    throw new ConnectionError(`${where}: the watch ended in an event`, {});
  }
}

function toEvent<T extends KubeObject>(type: ResourceType<T>, line: WatchLine<T>): WatchEvent<T> {
  const { object } = line;
  switch (line.type) {
    case 'ERROR':
      throw new ApiError({
        status: object.code ?? 500,
        reason: object.reason ?? '',
        message: object.message ?? 'the watch failed',
        details: object.details,
      });
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: object.metadata.resourceVersion };
    default:
      return { type: line.type, object: { ...object, apiVersion: apiVersionOf(type), kind: type.kind } };
  }
}
