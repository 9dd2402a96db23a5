import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, type RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';

/** How to reach an API server now. */
export interface Target {
  readonly base: URL;
  /** The client's identity: `authorization` or impersonation. */
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: HttpAgent;
}

/** Address and credentials of one API server. */
export interface Connection {
  readonly server: string;
  readonly namespace: string;
  /** @param fresh reads credentials again although they were read lately: they have been refused. */
  target(fresh: boolean): Promise<Target>;
  close(): void;
}

/** The API server and the identity of the client. */
export interface ConnectionOptions {
  readonly kubeconfigPath?: string | undefined;
  readonly context?: string | undefined;
}

/** Tokens and certificates are files that rotate; they are read again after so long. */
const CREDENTIALS_MS = 10_000;
/** Below the 90 s after which an API server closes an idle connection itself. */
const IDLE_SOCKET_MS = 60_000;
const NO_KUBECONFIG = 'http://localhost:8080';

/**
 * Reads a kubeconfig, or what a pod is given.
 * @throws when there is none, or it has no such context.
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  // Loaded on demand: the package costs 0.4 s of CPU, and tests against fakes do without.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (options.kubeconfigPath === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfigPath);
  if (options.context !== undefined) {
    if (!config.getContextObject(options.context)) {
      const known = config.getContexts().map(({ name }) => name);
      throw new Error(`the kubeconfig has no context ${options.context}, only ${known.join(', ')}`);
    }
    config.setCurrentContext(options.context);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster || (options.kubeconfigPath === undefined && cluster.server === NO_KUBECONFIG)) {
    throw new Error('no API server is configured: set KUBECONFIG to the path of a kubeconfig');
  }
  return connectionOf(config, cluster);
}

function connectionOf(
  config: KubeConfig,
  cluster: NonNullable<ReturnType<KubeConfig['getCurrentCluster']>>,
): Connection {
  const base = new URL(cluster.server.endsWith('/') ? cluster.server : `${cluster.server}/`);
  let current: { target: Target; material: string; readAt: number } | undefined;
  let reading: Promise<Target> | undefined;

  async function read(): Promise<Target> {
    const found: RequestOptions = {};
    await config.applyToHTTPSOptions(found);
    const tls = tlsOptions(found);
    const material = JSON.stringify(tls);
    const headers = { ...headersOf(found), ...(await tokenHeader(config)) };
    const keep = current?.material === material ? current.target.agent : undefined;
    if (current && !keep) drain(current.target.agent);
    const agent = keep ?? (cluster.proxyUrl ? agentOf(found) : newAgent(base, tls));
    const target = { base, headers, agent };
    current = { target, material, readAt: performance.now() };
    return target;
  }

  return {
    server: cluster.server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    target(fresh) {
      if (current && !fresh && performance.now() - current.readAt < CREDENTIALS_MS) {
        return Promise.resolve(current.target);
      }
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    close: () => current?.target.agent.destroy(),
  };
}

function newAgent(base: URL, tls: AgentOptions): HttpAgent {
  const options = { keepAlive: true, keepAliveMsecs: 15_000, maxFreeSockets: 8, timeout: IDLE_SOCKET_MS };
  return base.protocol === 'http:' ? new HttpAgent(options) : new HttpsAgent({ ...options, ...tls });
}

/** Closes idle connections, and the others when their requests have ended. */
function drain(agent: HttpAgent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}

/** The token file of the user, read now: the client package keeps its contents for a minute. */
async function tokenHeader(config: KubeConfig): Promise<{ readonly authorization?: string }> {
  const file: unknown = config.getCurrentUser()?.authProvider?.config?.tokenFile;
  if (typeof file !== 'string') return {};
  return { authorization: `Bearer ${(await readFile(file, 'utf8')).trim()}` };
}

/** The client package's own agent, which knows how to go through a proxy. */
function agentOf(found: RequestOptions): HttpAgent {
  if (found.agent instanceof HttpAgent) return found.agent;
  return new HttpsAgent();
}

function tlsOptions(found: RequestOptions): AgentOptions {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = found;
  const all = {
    ca: text(ca),
    cert: text(cert),
    key: text(key),
    pfx,
    passphrase,
    rejectUnauthorized,
    servername,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function text(pem: unknown): string | undefined {
  return Buffer.isBuffer(pem) || typeof pem === 'string' ? pem.toString() : undefined;
}

function headersOf(found: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(found.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
  }
  if (found.auth) headers.authorization = `Basic ${Buffer.from(found.auth).toString('base64')}`;
  return headers;
}
