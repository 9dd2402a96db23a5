import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { close, listen } from '@im/kit';

/** A POST with JSON as a receiver got it. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly json: Record<string, unknown>;
}

/** Answers a request, or leaves it open; when it rejects, the connection breaks. */
export type Answer = (response: ServerResponse, received: Received) => unknown;

/** An HTTP server for tests that keeps what it is sent. */
export interface TestReceiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  answer: Answer;
}

/** Answers with JSON. */
export const answerJson =
  (body: unknown, status = 200): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

/** Starts a receiver at 127.0.0.1 that allows everything. */
export async function startReceiver(answer: Answer = answerJson({})): Promise<TestReceiver> {
  const received: Received[] = [];
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const one = { path: request.url ?? '', headers: request.headers, body, json: JSON.parse(body) };
    received.push(one);
    await receiver.answer(response, one);
  }
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  const port = await listen(server, '127.0.0.1', 0);
  const receiver: TestReceiver = {
    url: `http://127.0.0.1:${port}/hooks`,
    received,
    answer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await close(server);
    },
  };
  return receiver;
}
