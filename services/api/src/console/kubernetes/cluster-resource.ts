import type { ClusterResource, ResourceFault } from '@im/admin-api';
import type { ConsoleResource } from '@im/contract';
import type { Metrics } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import { ExplainedError } from '../../admin/failure.ts';
import { type ApiServer, ApiServerError, createApiServer } from './api-server.ts';
import { resourceView } from './resource-view.ts';

/** The OpenIMCluster that runs this service, as those see it who look at it. */
export interface ClusterResources {
  /** Which one it is; undefined where the service does not run on Kubernetes. */
  readonly named: { readonly namespace: string; readonly name: string } | undefined;
  /**
   * Reads it with a token, and nothing else: what the token may not read is refused by the API server.
   * @param signal cancels the request
   * @throws ExplainedError with a {@link ResourceFault}; 429 while too many wait
   */
  read(token: string, signal?: AbortSignal): Promise<ClusterResource>;
  close(): void;
}

const [GROUP, VERSION, PLURAL, KIND] = ['openim.io', 'v1alpha1', 'openimclusters', 'OpenIMCluster'] as const;
/** Users as they can be written in a command without quotes. */
const PLAIN_USER = /^[A-Za-z0-9:._@-]{1,256}$/;

/** What the API server says in place of an object. */
function messageIn(text: string): string {
  try {
    const { message } = JSON.parse(text);
    return typeof message === 'string' ? message.slice(0, 1_000) : '';
  } catch {
    return '';
  }
}

/** @param env that of the process @param server @default the one that settings or environment name */
export function createClusterResources(
  settings: ConsoleResource,
  metrics: Metrics,
  env: NodeJS.ProcessEnv,
  server: ApiServer = createApiServer(settings, env),
): ClusterResources {
  const { namespace, name } = settings;
  const reads = metrics.counter(
    'openim_console_resource_reads_total',
    'Reads of the OpenIMCluster by the console, with tokens of those who look at it, and how they ended',
    ['outcome'],
  );
  const path = `/apis/${GROUP}/${VERSION}/namespaces/${namespace}/${PLURAL}/${name}`;
  const permission = `get ${PLURAL}.${GROUP} ${name} in ${namespace}`;

  function fault(kind: ResourceFault, code: number, message: string, remedy: string, more: object = {}) {
    return new ExplainedError(code, message, { kind, remedy, ...more });
  }

  function refusal(status: number, text: string): ExplainedError {
    const field = 'token';
    if (status === 401)
      return fault(
        'tokenRefused',
        ERR.NoPermissionError,
        'the API server does not take the token: it has expired, or is none',
        `give a new one, such as of kubectl create token <ServiceAccount> -n ${namespace}`,
        { field },
      );
    if (status === 403) {
      const [, user = ''] = /^[\w.]+ "[^"]*" is forbidden: User "([^"]+)"/.exec(messageIn(text)) ?? [];
      const subject = PLAIN_USER.test(user) ? user : '';
      const check = `kubectl auth can-i get ${PLURAL}.${GROUP}/${name} -n ${namespace}${subject && ` --as ${subject}`}`;
      return fault(
        'forbidden',
        ERR.NoPermissionError,
        `the token${subject && ` of ${subject}`} lacks the permission: ${permission}`,
        `bind a Role that allows it, then check: ${check}`,
        { field, ...(subject !== '' && { subject }) },
      );
    }
    if (status === 404)
      return fault(
        'notFound',
        ERR.RecordNotFoundError,
        `there is no ${KIND} ${name} in namespace ${namespace}`,
        'set api.console.resource to the one that runs this service',
        { field: 'api.console.resource' },
      );
    return fault(
      'invalidAnswer',
      ERR.NetworkError,
      `the API server answers ${status}: ${messageIn(text) || 'no reason'}`,
      'try again in a moment',
    );
  }

  function unanswered(error: ApiServerError): ImError {
    const { message } = error;
    switch (error.fault) {
      case 'busy':
        return new ImError(ERR.TooManyRequests, message);
      case 'tooLarge':
        return fault('invalidAnswer', ERR.NetworkError, message, 'use kubectl');
      case 'timeout':
        return fault('timeout', ERR.NetworkError, message, 'try again in a moment');
      case 'unreachable':
        return fault(
          'unreachable',
          ERR.NetworkError,
          message,
          'let the pods of the console reach the API server, and check api.console.resource',
          { field: 'api.console.resource' },
        );
      default:
        throw error.fault satisfies never;
    }
  }

  function parsed(text: string): ClusterResource {
    try {
      const found = JSON.parse(text);
      if (found?.kind === KIND) return resourceView(found);
    } catch {
      // Said below.
    }
    return throwing(
      fault(
        'invalidAnswer',
        ERR.NetworkError,
        `the API server does not answer with an ${KIND}`,
        'check that api.console.resource.server is an API server',
        { field: 'api.console.resource.server' },
      ),
    );
  }

  async function read(token: string, signal?: AbortSignal): Promise<ClusterResource> {
    if (name === '')
      throw fault(
        'notOnKubernetes',
        ERR.RecordNotFoundError,
        'this service does not run on Kubernetes',
        'on Kubernetes, set api.console.resource',
        { field: 'api.console.resource' },
      );
    try {
      const { status, text } = await server.get(path, token, signal);
      if (status !== 200) throw refusal(status, text);
      return parsed(text);
    } catch (error) {
      throw error instanceof ApiServerError ? unanswered(error) : error;
    }
  }

  return {
    named: name === '' ? undefined : { namespace, name },
    async read(token, signal) {
      try {
        const found = await read(token, signal);
        reads.inc({ outcome: 'read' });
        return found;
      } catch (error) {
        const kind = error instanceof ExplainedError ? error.kind : undefined;
        reads.inc({ outcome: kind ?? (signal?.aborted ? 'cancelled' : 'refused') });
        throw error;
      }
    },
    close: () => server.close(),
  };
}

function throwing(error: Error): never {
  throw error;
}
