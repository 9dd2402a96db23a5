import type { ServerConfig } from '@im/contract';
import { ERR, ImError, make } from '@im/protocol';
import type { ApiCall } from './route.ts';

/** An answer outside the envelope. */
export interface PlainAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const JSON_TEXT = { 'content-type': 'application/json; charset=utf-8' };

/** Names of http_sd lists that OpenIM's Prometheus configuration asks for. */
const DISCOVERY = [
  'api',
  'user',
  'group',
  'msg',
  'friend',
  'conversation',
  'third',
  'auth',
  'push',
  'msg_gateway',
  'msg_transfer',
];

function statusOf(error: ImError): number {
  switch (error.code) {
    case ERR.RecordNotFoundError:
      return 404;
    case ERR.ArgsError:
      return 400;
    default:
      return 500;
  }
}

/** GET /object/<name>: redirects to the object. Without a token: knowing the name is the permission. */
export async function redirectToObject(call: ApiCall, name: string): Promise<PlainAnswer> {
  const request = make('third.AccessURLReq', { name, query: Object.fromEntries(call.query) });
  try {
    const { url } = await call.rpc.client('third').accessURL(call.ctx, request);
    return { status: 302, headers: { location: url, ...TEXT }, body: '' };
  } catch (error) {
    if (!(error instanceof ImError)) throw error;
    return { status: statusOf(error), headers: TEXT, body: error.detail || error.errMsg };
  }
}

/** A GET route answered from the settings. */
export interface FixedRoute {
  readonly path: string;
  answer(config: ServerConfig['api']): PlainAnswer;
}

/** A list for Prometheus's HTTP service discovery. */
function targetsOf(targets: readonly string[]): string {
  return JSON.stringify(targets.length === 0 ? [] : [{ targets, labels: { namespace: 'default' } }]);
}

/** GET routes that are answered from the settings, docs/protocol/http.md. */
export const FIXED_ROUTES: readonly FixedRoute[] = [
  ...DISCOVERY.map(
    (name): FixedRoute => ({
      path: `/prometheus_discovery/${name}`,
      answer: ({ metricsTargets }) => ({
        status: 200,
        headers: JSON_TEXT,
        body: targetsOf(metricsTargets[name] ?? []),
      }),
    }),
  ),
  {
    path: '/third/prometheus',
    answer: ({ grafanaURL }) =>
      grafanaURL === ''
        ? { status: 404, headers: TEXT, body: 'no dashboard is configured: set api.grafanaURL' }
        : { status: 302, headers: { location: grafanaURL, ...TEXT }, body: '' },
  },
];
