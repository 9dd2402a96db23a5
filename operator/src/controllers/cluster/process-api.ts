import type { ProcessStatus } from '@im/contract';

/** Requests to the ops port of one of our processes. */
export interface ProcessApi {
  /** What the process tells of itself. @throws when it does not answer within two seconds. */
  status(host: string, signal: AbortSignal): Promise<ProcessStatus>;
  /** Makes a gateway refuse new connections and move its own away. Asking twice is asking once. */
  drain(at: ActionTarget, withinSeconds: number, signal: AbortSignal): Promise<void>;
  /** Takes a drain back. */
  undrain(at: ActionTarget, signal: AbortSignal): Promise<void>;
}

/** A process that is asked for an action. */
export interface ActionTarget {
  readonly host: string;
  /** Key of its cluster. */
  readonly key: string;
}

const TIMEOUT_MS = 2_000;

interface Action {
  readonly key: string;
  readonly body?: object;
}

/** {@link ProcessApi} over HTTP. */
export function httpProcessApi(port: number): ProcessApi {
  async function call(host: string, path: string, signal: AbortSignal, action?: Action) {
    const method = action ? 'POST' : 'GET';
    const address = host.includes(':') ? `[${host}]` : host;
    const response = await fetch(`http://${address}:${port}${path}`, {
      method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),

      ...(action && { headers: { authorization: `Bearer ${action.key}` } }),
      ...(action?.body && { body: JSON.stringify(action.body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
    return text;
  }
  return {
    status: async (host, signal) => JSON.parse(await call(host, '/status', signal)) as ProcessStatus,
    async drain({ host, key }, withinSeconds, signal) {
      await call(host, '/drain', signal, { key, body: { withinSeconds } });
    },
    async undrain({ host, key }, signal) {
      await call(host, '/undrain', signal, { key });
    },
  };
}
