import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';

/** What every object of Kubernetes has. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** An answer of the API server other than 2xx. */
export class KubeApiError extends Error {
  override readonly name = 'KubeApiError';
  readonly status: number;

  constructor(method: string, path: string, status: number, body: string) {
    super(`${method} ${path}: ${status} ${messageOf(body)}`);
    this.status = status;
  }
}

/** Requests to an API server as an administrator, for tests that ask often: a kubectl per question costs more than the answer. */
export interface KubeApi {
  /** @throws KubeApiError, also for 404. */
  get<T = KubeObject>(path: string): Promise<T>;
  /** The text behind a path, such as a pod's metrics through the proxy. */
  raw(path: string): Promise<string>;
  list<T = KubeObject>(path: string, labelSelector?: string): Promise<T[]>;
  /** A merge patch. */
  patch<T = KubeObject>(path: string, body: unknown): Promise<T>;
  /** Makes an object below its collection's path. */
  create<T = KubeObject>(path: string, body: unknown): Promise<T>;
  /** Deletes; that it is not there is fine. */
  remove(path: string, options?: { gracePeriodSeconds?: number }): Promise<void>;
  close(): void;
}

const TIMEOUT_MS = 20_000;

/** @param kubeconfig a file with a client certificate for its first context. */
export function kubeApi(kubeconfig: string): KubeApi {
  const { server, ...credentials } = accessOf(readFileSync(kubeconfig, 'utf8'));
  const agent = new Agent({ ...credentials, keepAlive: true, maxSockets: 16 });

  async function call(method: string, path: string, body?: unknown, type = 'application/json') {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const sent = request(`${server}${path}`, {
      method,
      agent,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        accept: 'application/json, */*',
        // Node tells no length by itself where bodies are unusual, as with DELETE.
        ...(payload === undefined ? {} : { 'content-type': type, 'content-length': payload.length }),
      },
    });
    sent.end(payload);
    const [response] = await once(sent, 'response');
    const answer = await text(response);
    const status: number = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw new KubeApiError(method, path, status, answer);
    return answer;
  }

  return {
    get: async <T>(path: string) => JSON.parse(await call('GET', path)) as T,
    raw: (path) => call('GET', path),
    list: async <T>(path: string, labelSelector?: string) => {
      const query = labelSelector === undefined ? '' : `?labelSelector=${encodeURIComponent(labelSelector)}`;
      return (JSON.parse(await call('GET', `${path}${query}`)) as { items: T[] }).items;
    },
    patch: async <T>(path: string, body: unknown) =>
      JSON.parse(await call('PATCH', path, body, 'application/merge-patch+json')) as T,
    create: async <T>(path: string, body: unknown) => JSON.parse(await call('POST', path, body)) as T,
    async remove(path, options = {}) {
      try {
        await call('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', ...options });
      } catch (error) {
        if (!(error instanceof KubeApiError) || error.status !== 404) throw error;
      }
    },
    close: () => agent.destroy(),
  };
}

/** Paths of the objects that tests ask for. */
export const PATH = {
  pods: (namespace: string) => `/api/v1/namespaces/${namespace}/pods`,
  services: (namespace: string) => `/api/v1/namespaces/${namespace}/services`,
  secrets: (namespace: string) => `/api/v1/namespaces/${namespace}/secrets`,
  namespace: (namespace: string) => `/api/v1/namespaces/${namespace}`,
  clusters: (namespace: string) => `/apis/openim.io/v1alpha1/namespaces/${namespace}/openimclusters`,
  tenants: (namespace: string) => `/apis/openim.io/v1alpha1/namespaces/${namespace}/openimtenants`,
  leases: (namespace: string) => `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
  deployments: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
} as const;

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
  readonly users: readonly [
    { readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string } },
  ];
}

function accessOf(kubeconfig: string): { server: string; ca: Buffer; cert: Buffer; key: Buffer } {
  const { clusters, users } = parse(kubeconfig) as Kubeconfig;
  const [{ cluster }] = clusters;
  const [{ user }] = users;
  return {
    server: cluster.server,
    ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
    cert: Buffer.from(user['client-certificate-data'], 'base64'),
    key: Buffer.from(user['client-key-data'], 'base64'),
  };
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body.slice(0, 300);
  } catch {
    return body.slice(0, 300);
  }
}
