import { messageOf } from '@im/kit';
import { ApiError, isRefusal, isSchemaMismatch, type KubeObject } from '@im/kube';
import { PROCESS_ROLES, STORES } from '../../resources/names.ts';
import { ForeignObjectError } from './ownership.ts';

/** Why a request for an object did not succeed. */
export interface Problem {
  /** `refused`: the same request is refused until the spec, a policy or a quota changes. `failed`: it is retried. */
  readonly kind: 'refused' | 'failed';
  /** Kind and name, such as `Ingress chat-gateway`. */
  readonly object: string;
  /** One word. */
  readonly reason: string;
  /** What the API server, or the connection to it, reported; the same for the same failure. */
  readonly cause: string;
  /** Names object, field and remedy; the same for the same failure. */
  readonly message: string;
}

const PROMETHEUS_MISSING = {
  reason: 'PrometheusOperatorMissing',
  remedy: 'install the CRDs of the Prometheus operator, or switch it off in spec.monitoring',
} as const;

/** What is missing when the API server does not have a kind that others add to Kubernetes. */
const ADDITIONS: Readonly<Record<string, { readonly reason: string; readonly remedy: string }>> = {
  HTTPRoute: {
    reason: 'GatewayAPIMissing',
    remedy: 'install the CRDs of the Gateway API (1.2 or later), or use ingress in place of httpRoute',
  },
  PodMonitor: PROMETHEUS_MISSING,
  PrometheusRule: PROMETHEUS_MISSING,
};

/** Object of a request, as far as a message needs it. */
export type RequestedObject = Pick<KubeObject, 'kind' | 'metadata'>;

/** Kind and name of an object. */
export function objectName({ kind = '', metadata }: RequestedObject): string {
  return metadata?.name === undefined ? kind : `${kind} ${metadata.name}`;
}

/** What `error` means for `object`. */
export function problemOf(object: RequestedObject, error: unknown): Problem {
  if (error instanceof ForeignObjectError) {
    return { kind: 'refused', object: objectName(object), ...error.refusal, cause: error.message };
  }
  const { reason, remedy } = explain(object, error);
  const name = objectName(object);
  const isMissing = reason === ADDITIONS[object.kind ?? '']?.reason;
  const cause = isMissing ? 'the API server does not have this type' : steadyText(messageOf(error));
  return {
    kind: isRefusal(error) || isMissing ? 'refused' : 'failed',
    object: name,
    reason,
    cause,
    message: `${name}: ${cause}; ${remedy}`,
  };
}

function explain(object: RequestedObject, error: unknown): { reason: string; remedy: string } {
  const text = messageOf(error);
  if (/exceeded quota/.test(text)) {
    return {
      reason: 'QuotaExceeded',
      remedy: 'raise the ResourceQuota of the namespace, or lower what the spec requests',
    };
  }
  const field = specFieldOf(object, error);
  if (/denied the request|violates PodSecurity/.test(text)) {
    return {
      reason: 'AdmissionDenied',
      remedy: `change ${field} so that the policy admits it, or change the policy`,
    };
  }
  if (/failed calling webhook/.test(text)) {
    return {
      reason: 'WebhookUnavailable',
      remedy: 'repair the admission webhook or remove its configuration; the request is retried',
    };
  }
  const addition = ADDITIONS[object.kind ?? ''];
  if (addition && error instanceof ApiError && error.status === 404) return addition;
  if (error instanceof ApiError && error.status === 403) {
    return { reason: 'Forbidden', remedy: 'grant the operator this right; its chart has the roles' };
  }
  if (isRefusal(error)) return { reason: 'Invalid', remedy: `correct ${field}` };
  return { reason: 'RequestFailed', remedy: 'the request is retried' };
}

/** The field of the spec that decides about the refused field of an object. */
function specFieldOf({ kind, metadata }: RequestedObject, error: unknown): string {
  const component = metadata?.labels?.['app.kubernetes.io/component'];
  const section =
    kind === 'gateways'
      ? 'spec.gateway'
      : PROCESS_ROLES.some((role) => role === component)
        ? `spec.${component}`
        : STORES.some((store) => store === component)
          ? `spec.${component === 'object-storage' ? 'objectStorage' : component}.managed`
          : undefined;
  switch (kind) {
    case 'NetworkPolicy':
      return 'spec.networkPolicy';
    case 'PodMonitor':
      return 'spec.monitoring.podMonitor';
    case 'PrometheusRule':
      return 'spec.monitoring.rules';
  }
  if (section === undefined) return 'the spec';
  switch (kind) {
    case 'Ingress':
      return `${section}.ingress`;
    case 'HTTPRoute':
      return `${section}.httpRoute`;
    case 'Service':
      return `${section}.service`;
    case 'Deployment':
    case 'StatefulSet':
    case 'gateways':
      return `${section}.${settingOf(error)}`;
    default:
      return section;
  }
}

function settingOf(error: unknown): string {
  const causes = error instanceof ApiError ? (error.details?.causes ?? []) : [];
  const fields = causes.map(({ field }) => field ?? '');
  if (fields.length > 0 && !isSchemaMismatch(error)) {
    if (fields.every((field) => /\.resources\b/.test(field))) return 'resources';
    if (fields.every((field) => /^spec\.replicas\b/.test(field))) return 'replicas';
    if (fields.every((field) => /\.image\b/.test(field))) return 'image';
  }
  return 'podTemplate';
}

/**
 * A text without the parts that differ each time the same failure is reported: identifiers, times and durations. A
 * condition with such a part would be written, and so trigger a reconcile, at each attempt.
 */
export function steadyText(text: string): string {
  return text
    .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '…')
    .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?/g, '…')
    .replace(/\b\d+(?:\.\d+)? ?(?:ms|µs|ns)\b|\b\d+\.\d+ ?s\b/g, '…')
    .replace(/\b[0-9a-f]*\d[0-9a-f]*(?<=[0-9a-f]{16,})\b/gi, '…')
    .replace(/(:\d{4,5})(?=->)/g, '');
}
