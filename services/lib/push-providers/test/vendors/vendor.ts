import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PushProviders } from '@im/contract';
import type { Device, HttpSend } from '../../src/index.ts';

/** What a vendor can be made to answer to the next request for a notification. */
export type Fault =
  | 'gone'
  | 'overload'
  | 'unavailable'
  | 'html'
  | 'refuse'
  | 'credentials'
  | 'expiredAccess'
  | 'cut'
  | 'hang';

/** A notification that a vendor took. */
export interface Taken {
  readonly tokens: readonly string[];
  readonly title: string;
  readonly body: string;
  readonly badge?: unknown;
  /** Whatever names the attempt or the message at the vendor. */
  readonly id?: unknown;
}

/** A vendor's local counterpart: it refuses what the vendor's documents say it refuses. */
export interface Vendor extends AsyncDisposable {
  readonly name: keyof PushProviders;
  readonly settings: PushProviders;
  readonly taken: Taken[];
  /** Requests for access tokens. */
  readonly logins: number;
  /** A device that it knows; every call another one. */
  device(): Device;
  /** Answers the next request so. */
  fail(fault: Fault): void;
  /** Faults that the vendor has no answer for. */
  readonly without: readonly Fault[];
  /** Brings requests to a counterpart that its settings cannot address. */
  readonly send?: HttpSend;
}

/** A request as a vendor sees it. */
export interface VendorRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer, or what happens in its place. */
export type VendorAnswer =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | object }
  | 'cut'
  | 'hang';

/** Refuses a request; for checks deep inside. */
export class Refusal extends Error {
  readonly answer: VendorAnswer;

  constructor(answer: VendorAnswer, why: string) {
    super(why);
    this.answer = answer;
  }
}

/** Waits that vendors ask for by Retry-After, s. */
export const RETRY_AFTER_S = 77;
export const HTML: VendorAnswer = {
  status: 502,
  headers: { 'content-type': 'text/html' },
  body: '<html>Bad Gateway</html>',
};

/** A server that answers by `handle`; what that throws besides a refusal is a bug of the test and ends it. */
export async function startServer(handle: (request: VendorRequest) => VendorAnswer) {
  const hanging: (() => void)[] = [];
  const problems: unknown[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    let answer: VendorAnswer;
    try {
      const { method = '', url = '', headers } = request;
      answer = handle({ method, path: url, headers, body: Buffer.concat(chunks) });
    } catch (error) {
      problems.push(error);
      answer = error instanceof Refusal ? error.answer : { status: 599, body: String(error) };
    }
    if (answer === 'cut') request.socket.destroy();
    else if (answer === 'hang') hanging.push(() => request.socket.destroy());
    else {
      const text = typeof answer.body === 'object' ? JSON.stringify(answer.body) : (answer.body ?? '');
      response.writeHead(answer.status, answer.headers ?? { 'content-type': 'application/json' }).end(text);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    problems,
    async close() {
      for (const end of hanging) end();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Faults in the order in which they are to be played. */
export function faults() {
  const queue: Fault[] = [];
  return { fail: (fault: Fault) => queue.push(fault), next: () => queue.shift() };
}

/** Throws unless a condition of the vendor holds. */
export function demand(holds: unknown, answer: VendorAnswer, why: string): asserts holds {
  if (!holds) throw new Refusal(answer, why);
}
