import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '@im/dev-kubernetes';
import { close, listen } from '@im/kit';

/** A request as a rule sees it. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly isWatch: boolean;
  /** A GET of a collection that is no watch. */
  readonly isList: boolean;
}

/** What happens to a request instead of, or before, being passed on. */
export type Fault =
  | { readonly answer: number; readonly reason?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is cut without an answer; `afterwards`: only once the server has acted. */
  | { readonly drop: 'at once' | 'afterwards' }
  /** Never responds. */
  | { readonly hang: true }
  | { readonly delayMs: number };

/** Decides about each request; undefined lets it pass. */
export type Rule = (request: ProxiedRequest) => Fault | undefined;

/** Between a client and the API server: an HTTP server that acts as administrator and injects faults. */
export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  /** Path of a kubeconfig that leads through the proxy. */
  readonly kubeconfig: string;
  /** Every request so far. */
  readonly requests: readonly ProxiedRequest[];
  /** Replaces the rule; without one, all requests pass. */
  setRule(rule?: Rule): void;
  openWatches(): number;
  /** Cuts open watches. */
  cutWatches(): void;
  /** From now on watches stay open but silent; false lets new ones send events again. */
  silenceWatches(silent: boolean): void;
  /** While true nothing passes in either direction and no connection closes, as behind a lost network. */
  partition(apart: boolean): void;
  /** Resets all connections, as a network does that comes back. */
  dropAll(): void;
}

let proxies = 0;

export async function startFaultProxy(plane: ControlPlane): Promise<FaultProxy> {
  const { certificateAuthority: ca, certificate: cert, key } = plane.credentials;
  const agent = new Agent({ ca, cert, key, keepAlive: true });
  const requests: ProxiedRequest[] = [];
  const watches = new Set<ServerResponse>();
  let rule: Rule | undefined;
  let isSilent = false;
  let isApart = false;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = describe(request);
    requests.push(seen);
    if (isApart) return;
    const fault = rule?.(seen);
    if (fault && 'hang' in fault) return;
    if (fault && 'answer' in fault) {
      response.writeHead(fault.answer, { 'content-type': 'application/json', ...fault.headers });
      response.end(JSON.stringify(statusOf(fault.answer, fault.reason)));
      return;
    }
    if (fault && 'drop' in fault && fault.drop === 'at once') {
      response.destroy();
      return;
    }
    if (fault && 'delayMs' in fault) await sleep(fault.delayMs);
    pass(request, response, seen, fault !== undefined && 'drop' in fault);
  }

  function pass(
    request: IncomingMessage,
    response: ServerResponse,
    seen: ProxiedRequest,
    drop: boolean,
  ): void {
    const upstream = httpsRequest(new URL(seen.url, plane.url), {
      method: seen.method,
      headers: request.headers,
      agent,
    });
    upstream.on('error', () => response.destroy());
    upstream.on('response', (answer) => {
      if (drop) {
        answer.resume().on('end', () => response.destroy());
        return;
      }
      if (isApart) return;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      if (seen.isWatch) watches.add(response);
      const wasSilent = isSilent;
      answer.on('data', (chunk: Buffer) => {
        if (isApart || (seen.isWatch && (isSilent || wasSilent))) return;
        response.write(chunk);
      });
      answer.on('end', () => {
        if (!isApart) response.end();
      });
      answer.on('error', () => response.destroy());
    });
    response.on('close', () => {
      watches.delete(response);
      upstream.destroy();
    });
    request.pipe(upstream);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  const port = await listen(server, '127.0.0.1', 0);
  const url = `http://127.0.0.1:${port}`;
  const kubeconfig = join(plane.dir, `fault-proxy-${++proxies}.kubeconfig`);
  await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(url)));

  return {
    url,
    kubeconfig,
    requests,
    setRule(next) {
      rule = next;
    },
    openWatches: () => watches.size,
    cutWatches() {
      for (const response of watches) response.destroy();
    },
    silenceWatches(silent) {
      isSilent = silent;
    },
    partition(apart) {
      isApart = apart;
    },
    dropAll: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await close(server);
      agent.destroy();
    },
  };
}

function describe(request: IncomingMessage): ProxiedRequest {
  const { method = 'GET', url = '/' } = request;
  const isWatch = url.includes('watch=true');
  return { method, url, isWatch, isList: method === 'GET' && !isWatch && /[?&]limit=/.test(url) };
}

function statusOf(code: number, reason = 'Injected') {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message: `${reason} by the proxy`,
  };
}

function kubeconfigOf(server: string) {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'proxy', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
    'current-context': 'proxy',
  };
}
