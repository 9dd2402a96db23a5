import { ERR, ImError, make } from '@im/protocol';
import type { Call } from './call.ts';

/** An answer outside the envelope. */
export interface PlainAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

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

/** GET /object/<name>: the way to the object itself. No token: only who knows the name comes here. */
export async function redirectToObject(call: Call, name: string): Promise<PlainAnswer> {
  const request = make('third.AccessURLReq', { name, query: Object.fromEntries(call.query) });
  try {
    const { url } = await call.rpc.client('third').accessURL(call.ctx, request);
    return { status: 302, headers: { location: url, ...TEXT }, body: '' };
  } catch (error) {
    if (!(error instanceof ImError)) throw error;
    return { status: statusOf(error), headers: TEXT, body: error.detail || error.errMsg };
  }
}

/** GET routes with an answer that never changes, by path. */
export const FIXED_ANSWERS: ReadonlyMap<string, PlainAnswer> = new Map<string, PlainAnswer>([
  // Metrics are found by the cluster's own means, so there is nothing to list.
  ...DISCOVERY.map((name): [string, PlainAnswer] => [
    `/prometheus_discovery/${name}`,
    { status: 200, body: '[]' },
  ]),
  ['/third/prometheus', { status: 404, headers: TEXT, body: 'no dashboard is configured' }],
]);
