import { tenantURL } from '@im/contract';
import { type Condition, type ConditionUpdate, type Stored, setCondition, timestamp } from '@im/kube';
import type { OpenIMTenantQuotas, OpenIMTenantStatus } from '../../gen/openimtenant.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { nameOf } from '../../resources/names.ts';
import type { KeyPlan } from '../../resources/tenant-keys.ts';
import type { ClientEndpoints } from '../cluster/endpoints.ts';
import type { Refusal } from '../cluster/observation/observation.ts';
import type { ClassInForce } from './admission.ts';
import type { DeletionStep } from './delete.ts';
import type { Coverage } from './delivery.ts';
import { isElsewhere, tenantIdOf } from './identity.ts';
import { type LookedUsage, shownUsage, withQuotas } from './usage-status.ts';

/** Longest time between two looks at the end of a key. */
const DAY_MS = 86_400_000;

/** What the status of a tenant is made of. */
export interface TenantStatusInput {
  readonly tenant: Stored<OpenIMTenant>;
  readonly refusal: Refusal | undefined;
  /** Whether earlier settings stay in force although it is refused. */
  readonly isKept?: boolean;
  /** Generation whose settings are part of the config. */
  readonly inForceGeneration?: number | undefined;
  /** A section that is not applied because of its credentials. */
  readonly broken?: Refusal | undefined;
  /** Whether the spec of its cluster is valid. */
  readonly accepted: boolean;
  readonly coverage: Coverage;
  /** Its keys; undefined while they are not known. */
  readonly rotation?: KeyPlan | undefined;
  /** Fields that are left out because the running services do not know them. */
  readonly leftOut?: readonly string[];
  readonly endpoints: ClientEndpoints;
  /** Its class; undefined without one. */
  readonly class?: ClassInForce | undefined;
  /** Quotas in force. @default those of the spec */
  readonly quotas?: OpenIMTenantQuotas | undefined;
  /** What it uses; undefined leaves what is shown. */
  readonly usage?: LookedUsage | undefined;
  readonly now: Date;
}

/** The status of one tenant: ready when all running processes have its settings. */
export function tenantStatus(input: TenantStatusInput): OpenIMTenantStatus {
  const { tenant, endpoints, now } = input;
  const id = tenantIdOf(tenant);
  const generation = tenant.metadata.generation ?? 0;
  const update = readiness(input);
  const before = (tenant.status?.conditions ?? []) as Condition[];
  const settled = update
    ? setCondition(before, { type: 'Ready', observedGeneration: generation, ...update }, now)
    : before;
  const { usage, condition } = shownUsage(tenant.status?.usage, before, input.usage, {
    quotas: input.quotas ?? tenant.spec.quotas,
    generation,
  });
  const conditions = withQuotas(
    withClassCondition(withRotation(settled, input, now), input, now),
    condition,
    now,
  );
  const keys = keysOf(input.rotation, now);
  const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const since = wasReady(tenant) ? tenant.status?.inForceSince : undefined;
  return {
    observedGeneration: generation,
    tenantID: id,
    conditions: conditions as OpenIMTenantStatus['conditions'],
    ...(input.class && { className: input.class.name }),
    ...(usage && { usage }),
    ...(keys && { keys }),
    ...(isReady ? { inForceSince: since ?? timestamp(now) } : {}),
    ...(input.inForceGeneration === undefined ? {} : { inForceGeneration: input.inForceGeneration }),
    ...(input.refusal && !input.isKept
      ? {}
      : {
          endpoints: { api: tenantURL(endpoints.api, id), webSocket: tenantURL(endpoints.webSocket, id) },
          adminSecretRef: { name: adminSecretName(tenant) },
        }),
  };
}

/** Name of the Secret with the admin user and secret, in the namespace of the tenant. */
export function adminSecretName(tenant: Stored<OpenIMTenant>): string {
  const { metadata, spec } = tenant;
  return isElsewhere(tenant)
    ? nameOf.adminElsewhere(metadata.name)
    : nameOf.admin(spec.clusterRef.name, tenantIdOf(tenant));
}

/** Condition WithinClass, while the tenant has a class. */
function withClassCondition(
  conditions: readonly Condition[],
  { tenant, class: inClass }: TenantStatusInput,
  now: Date,
): Condition[] {
  if (!inClass) return conditions.filter(({ type }) => type !== 'WithinClass');
  const { name, clamped } = inClass;
  const observedGeneration = tenant.metadata.generation ?? 0;
  const update: ConditionUpdate =
    clamped.length > 0
      ? {
          ...{ type: 'WithinClass', status: 'False', reason: 'Clamped', observedGeneration },
          message: `${clamped.join('; ')}. The ceiling applies meanwhile.`,
        }
      : {
          ...{ type: 'WithinClass', status: 'True', reason: 'WithinCeilings', observedGeneration },
          message: `No setting is above a ceiling of class ${name}.`,
        };
  return setCondition([...conditions], update, now);
}

/** Condition KeysRotated, while the spec asks for a rotation. */
function withRotation(
  conditions: readonly Condition[],
  { tenant, refusal, rotation }: TenantStatusInput,
  now: Date,
): Condition[] {
  const { keys } = tenant.spec;
  const isAsked = [keys?.signing?.rotation, keys?.admin?.rotation, keys?.revoked?.[0]].some(
    (asked) => asked !== undefined,
  );
  if (!isAsked) return conditions.filter(({ type }) => type !== 'KeysRotated');
  // Not looked at in this state of the cluster; what was known stays.
  if (refusal || !rotation) return [...conditions];
  const { pending } = rotation;
  const observedGeneration = tenant.metadata.generation ?? 0;
  const former = keysOf(rotation, now)?.filter(({ state }) => state === 'Former') ?? [];
  const until = former.map(({ purpose, id, until }) => ` ${purpose} key ${id} is accepted until ${until}.`);
  const update: ConditionUpdate = pending
    ? { type: 'KeysRotated', status: 'False', ...pending, observedGeneration }
    : {
        type: 'KeysRotated',
        status: 'True',
        reason: former.length > 0 ? 'Overlapping' : 'Rotated',
        message: `The keys are those that spec.keys asks for.${until.join('')}`,
        observedGeneration,
      };
  return setCondition([...conditions], update, now);
}

function keysOf(rotation: KeyPlan | undefined, now: Date): OpenIMTenantStatus['keys'] {
  return rotation?.keys.map((key) =>
    key.until !== undefined && Date.parse(key.until) <= now.getTime()
      ? { ...key, state: 'Ended' as const }
      : key,
  );
}

/** Time until the next key ends, ms; at most a day; undefined when none does. */
export function nextKeyEnd({ keys = [] }: OpenIMTenantStatus, now: number): number | undefined {
  const ends = keys.flatMap(({ state, until }) =>
    state === 'Former' && until !== undefined ? Math.max(0, Date.parse(until) - now) : [],
  );
  return ends.length === 0 ? undefined : Math.min(...ends, DAY_MS);
}

/** The status of a tenant that is being deleted. */
export function deletionStatus(
  { metadata, status = {} }: Stored<OpenIMTenant>,
  { reason, message, purgeAt, report }: DeletionStep,
  now: Date,
): OpenIMTenantStatus {
  const { inForceSince: _since, inForceGeneration: _generation, ...kept } = status;
  const observedGeneration = metadata.generation ?? 0;
  const update: ConditionUpdate = { type: 'Ready', status: 'False', reason, message, observedGeneration };
  return {
    ...kept,
    observedGeneration,
    conditions: setCondition(
      (status.conditions ?? []) as Condition[],
      update,
      now,
    ) as OpenIMTenantStatus['conditions'],
    deletion: {
      ...(purgeAt === undefined ? {} : { purgeAt: timestamp(purgeAt) }),
      ...(report && { step: report.step, removed: report.removed }),
    },
  };
}

/** Whether its settings were in force already: nothing but evidence of the contrary changes that. */
export function wasReady({ metadata, status }: Stored<OpenIMTenant>): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
}

/** Undefined: as it was. */
function readiness({
  refusal,
  broken,
  accepted,
  coverage,
  tenant,
  leftOut = [],
}: TenantStatusInput): Omit<ConditionUpdate, 'type'> | undefined {
  const notReady = (reason: string, message: string) => ({ status: 'False' as const, reason, message });
  if (refusal) return notReady(refusal.reason, refusal.message);
  const { current, unknown, all } = coverage;
  if (!accepted) {
    if (wasReady(tenant)) return undefined;
    const { name } = tenant.spec.clusterRef;
    return notReady(
      'ClusterNotAccepted',
      `The spec of OpenIMCluster ${name} is invalid; see its condition Accepted.`,
    );
  }
  if (coverage.refusal !== undefined) {
    const message = `spec: a running process rejects the settings (${coverage.refusal}); correct them, or upgrade the cluster`;
    return notReady('RefusedByProcess', message);
  }
  if (broken) return notReady(broken.reason, broken.message);
  if (wasReady(tenant) && current < all && current + unknown === all) return undefined;
  if (wasReady(tenant) && all === 0) return undefined;
  if (all === 0 || current < all) {
    const message = `${current} of ${all} processes have its settings. They are sent to every process that can be reached; the others read mounted files, which kubelets update within two minutes.`;
    return notReady('TakingOver', message);
  }
  if (tenant.spec.suspended) {
    return {
      status: 'True' as const,
      reason: 'Suspended',
      message: 'All processes refuse its clients, because spec.suspended is true.',
    };
  }
  if (leftOut.length > 0) {
    const message = `All processes serve the tenant, but without ${leftOut.join(', ')}, which at least one running version does not support; upgrade the cluster.`;
    return { status: 'True' as const, reason: 'SettingsLeftOut', message };
  }
  return {
    status: 'True' as const,
    reason: 'Serving',
    message: 'All processes serve the tenant with these settings.',
  };
}
