import type { ServerConfig } from '@im/contract';
import type { KnownProcess, ProcessDirectory } from '@im/kit';
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

/** Services by the name of their list; OpenIM's names differ for some. */
const SERVICE_OF: Readonly<Record<string, string>> = {
  friend: 'relation',
  msg_gateway: 'gateway',
  msg_transfer: 'transfer',
};

/** What GET routes without a token are answered from. */
export interface FixedAnswers {
  readonly config: ServerConfig['api'];
  /** The processes of the cluster. @default none are known */
  readonly processes?: Pick<ProcessDirectory, 'list'> | undefined;
}

/** A GET route answered without a call. */
export interface FixedRoute {
  readonly path: string;
  answer(from: FixedAnswers): PlainAnswer | Promise<PlainAnswer>;
}

/** Ops ports of the processes of a list. A process with several services is in one list, so that it is scraped once. */
async function discovered(name: string, { config, processes }: FixedAnswers): Promise<string[]> {
  if (!config.discoverProcesses || !processes) return [];
  const listOf = ({ services }: KnownProcess) =>
    DISCOVERY.find((one) => services.includes(SERVICE_OF[one] ?? one));
  return (await processes.list()).filter((process) => listOf(process) === name).map(({ ops }) => ops);
}

/** A list for Prometheus's HTTP service discovery. */
function targetsOf(targets: readonly string[]): string {
  return JSON.stringify(targets.length === 0 ? [] : [{ targets, labels: { namespace: 'default' } }]);
}

/** GET routes that are answered without a call, docs/protocol/http.md. */
export const FIXED_ROUTES: readonly FixedRoute[] = [
  ...DISCOVERY.map(
    (name): FixedRoute => ({
      path: `/prometheus_discovery/${name}`,
      async answer(from) {
        const targets = new Set([
          ...(from.config.metricsTargets[name] ?? []),
          ...(await discovered(name, from)),
        ]);
        return { status: 200, headers: JSON_TEXT, body: targetsOf([...targets]) };
      },
    }),
  ),
  {
    path: '/third/prometheus',
    answer: ({ config: { grafanaURL } }) =>
      grafanaURL === ''
        ? { status: 404, headers: TEXT, body: 'no dashboard is configured: set api.grafanaURL' }
        : { status: 302, headers: { location: grafanaURL, ...TEXT }, body: '' },
  },
];
