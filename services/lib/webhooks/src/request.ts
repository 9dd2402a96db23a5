import { signedHeaders } from './signature.ts';

/** What makes the `?key=` of message after-events. */
export interface WebhookKey {
  readonly sendID: string;
  readonly recvID: string;
  readonly groupID: string;
}

/** URL of a command below the tenant's base URL. */
export function commandURL(base: string, command: string): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${command}`;
  return url;
}

/** The URLs of one receiver, each parsed once. */
export class CommandURLs {
  readonly #base: string;
  /** By command, of which there are few. */
  readonly #urls = new Map<string, URL>();

  constructor(base: string) {
    this.#base = base;
  }

  of(command: string): URL {
    let url = this.#urls.get(command);
    if (!url) {
      url = commandURL(this.#base, command);
      this.#urls.set(command, url);
    }
    return url;
  }
}

/** The `key=` that message after-events have in their query. */
export function keyQuery({ sendID, recvID, groupID }: WebhookKey): string {
  const key = Buffer.from(JSON.stringify({ sendID, recvID, groupID })).toString('base64');
  return `key=${encodeURIComponent(key)}`;
}

/** Headers of a request: OpenIM's, those of the Standard Webhooks specification, and of a sampled trace its `traceparent`. */
export function requestHeaders(
  id: string,
  operationID: string,
  body: string,
  secrets: readonly string[],
  traceparent?: string,
): Record<string, string> {
  return {
    'content-type': 'application/json; charset=utf-8',
    // A client's text: what no header can hold becomes a question mark.
    operationID: operationID.replace(/[^\x20-\x7e]/g, '?'),
    ...signedHeaders(id, body, secrets),
    ...(traceparent && { traceparent }),
  };
}

/** A body as it is sent: the event's command first. */
export function encodeBody(
  { command, operationID }: { readonly command: string; readonly operationID?: 'call' | 'empty' },
  callOperationID: string,
  body: object,
): string {
  return JSON.stringify({
    callbackCommand: command,
    ...(operationID && { operationID: operationID === 'call' ? callOperationID : '' }),
    ...body,
  });
}
