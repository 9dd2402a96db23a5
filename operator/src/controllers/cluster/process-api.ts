import type { ProcessStatus } from '@im/kit';

/** Requests to the ops port of one of our processes. */
export interface ProcessApi {
  /** What the process tells of itself. @throws when it does not answer within two seconds. */
  status(host: string, signal: AbortSignal): Promise<ProcessStatus>;
  /** Makes a gateway refuse new connections and move its own away. Asking twice is asking once. */
  drain(host: string, withinSeconds: number, signal: AbortSignal): Promise<void>;
  /** Takes a drain back. */
  undrain(host: string, signal: AbortSignal): Promise<void>;
}

const TIMEOUT_MS = 2_000;

/** {@link ProcessApi} over HTTP. */
export function httpProcessApi(port: number): ProcessApi {
  async function call(host: string, method: string, path: string, signal: AbortSignal, body?: object) {
    const address = host.includes(':') ? `[${host}]` : host;
    const response = await fetch(`http://${address}:${port}${path}`, {
      method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
    return text;
  }
  return {
    status: async (host, signal) => JSON.parse(await call(host, 'GET', '/status', signal)) as ProcessStatus,
    async drain(host, withinSeconds, signal) {
      await call(host, 'POST', '/drain', signal, { withinSeconds });
    },
    async undrain(host, signal) {
      await call(host, 'POST', '/undrain', signal);
    },
  };
}
