import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import { credentialsOf, IDLE_MS, pathOf, type Transport } from './transport.ts';

const MAX_IDLE = 8;

/**
 * Connections through proxies that `proxyEnv` names, by `node:http`, which knows its variables.
 * @param connections most of them to each receiver.
 */
export function proxyTransport(
  lookup: LookupFunction,
  connections: number,
  proxyEnv: NonNullable<http.AgentOptions['proxyEnv']>,
): Transport {
  const options: http.AgentOptions & { readonly lookup: LookupFunction } = {
    ...{ keepAlive: true, timeout: IDLE_MS, maxSockets: connections, maxFreeSockets: MAX_IDLE },
    scheduling: 'lifo',
    ...{ lookup, proxyEnv },
  };
  const agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
  return {
    send(request, sink) {
      const { url, method, headers, body } = request;
      const [send, agent] =
        url.protocol === 'https:' ? [https.request, agents['https:']] : [http.request, agents['http:']];
      const sent = send({
        ...addressOf(url),
        ...{ path: pathOf(request), method, agent },
        headers: {
          ...headers,
          ...(method === 'POST' && { 'content-length': String(Buffer.byteLength(body)) }),
        },
      });
      sent.on('error', (error) => sink.onError(error));
      sent.on('response', (response) => {
        sink.onHead(response.statusCode ?? 0, response.headers);
        response.on('data', (chunk: Buffer) => sink.onData(chunk));
        response.on('end', () => sink.onEnd());
        response.on('error', (error) => sink.onError(error));
      });
      sent.end(body);
      return (reason) => sent.destroy(reason);
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function addressOf(url: URL): http.RequestOptions {
  const { protocol, hostname, port } = url;
  const auth = credentialsOf(url);
  return {
    ...{ protocol, port },
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    ...(auth !== undefined && { auth }),
  };
}
