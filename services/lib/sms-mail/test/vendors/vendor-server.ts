import { createServer, type IncomingHttpHeaders } from 'node:http';
import { close, listen } from '@im/kit';

/** A request as a vendor sees it. */
export interface VendorRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer as JSON, or what happens in its place. */
export type VendorReply = { readonly status: number; readonly body: object | string } | 'cut' | 'hang';

/** A vendor's local counterpart. */
export interface VendorServer extends AsyncDisposable {
  readonly url: string;
  /** Answers the next requests so, one after the other, once they are valid. */
  readonly replies: VendorReply[];
  /** Codes that the vendor has sent, by number. */
  readonly sent: { readonly number: string; readonly params: string }[];
  /** Requests that arrived. */
  readonly requests: number;
}

/** @param handle judges a request; its answer counts unless a test has planned another one for a valid request. */
export async function startVendor(
  handle: (
    request: VendorRequest,
    sent: VendorServer['sent'],
  ) => { readonly valid: boolean; readonly reply: VendorReply },
): Promise<VendorServer> {
  const replies: VendorReply[] = [];
  const sent: VendorServer['sent'] = [];
  let requests = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests++;
    const { method = '', headers } = request;
    const url = new URL(request.url ?? '/', `http://${headers.host}`);
    const before = sent.length;
    const judged = handle({ method, url, headers, body: Buffer.concat(chunks).toString() }, sent);
    const planned = judged.valid ? replies.shift() : undefined;
    if (planned !== undefined && planned !== 'cut' && planned !== 'hang') sent.length = before;
    const reply = planned ?? judged.reply;
    if (reply === 'cut') request.socket.destroy();
    else if (reply !== 'hang')
      response
        .writeHead(reply.status, { 'content-type': 'application/json' })
        .end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
  });
  const port = await listen(server, '127.0.0.1', 0);
  return {
    url: `http://127.0.0.1:${port}`,
    replies,
    sent,
    get requests() {
      return requests;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await close(server);
    },
  };
}
