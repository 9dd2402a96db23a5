import { close, listen, onAbort } from '@im/kit';
import { isForPeople, type OutputFormat, streamText } from '../output.ts';
import { createReceiver, type ReceivedWebhook, type ReceiverOptions } from './receiver.ts';

/** Where a receiver listens, and when it ends. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Ends after this many requests. @default never */
  readonly count?: number;
  readonly output: OutputFormat;
  readonly signal: AbortSignal;
}

/** Receives webhooks and prints them, one line each, until the signal aborts or enough have come. */
export async function listenForWebhooks(
  options: ReceiverOptions,
  { host, port, count, output, signal }: ListenOptions,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  let left = count ?? Number.POSITIVE_INFINITY;
  const form = isForPeople(output) ? undefined : await streamText(output, 'id');
  const server = createReceiver(options, (received) => {
    process.stdout.write(form ? form(received) : `${lineOf(received)}\n`);
    if (--left <= 0) ended.resolve();
  });
  const bound = await listen(server, host, port);
  console.error(`webhooks.url: http://${host.includes(':') ? `[${host}]` : host}:${bound} (end with Ctrl-C)`);
  using _ = onAbort(signal, () => ended.resolve());
  await ended.promise;
  // The last answer is still on its way.
  server.closeIdleConnections();
  const closed = close(server);
  const timer = setTimeout(() => server.closeAllConnections(), 1_000);
  await closed;
  clearTimeout(timer);
}

function lineOf({ time, command, id, signature, key, body, answered }: ReceivedWebhook): string {
  const about = [
    `signature ${signature}`,
    `answered ${answered}`,
    ...(key ? [`key ${JSON.stringify(key)}`] : []),
  ];
  return `${time} ${command} ${id} (${about.join(', ')})\n  ${JSON.stringify(body)}`;
}
