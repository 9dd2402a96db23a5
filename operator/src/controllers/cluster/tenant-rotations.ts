import type { OpenIMTenantKeys } from '../../gen/openimtenant.ts';
import type { TenantEntry } from '../../resources/config.ts';
import {
  generatedKeys,
  hasRotation,
  type KeyChanges,
  type KeyPlan,
  type KeyPlanInput,
  planKeys,
} from '../../resources/tenant-keys.ts';

/** The rotations of the tenants of a cluster. */
export interface TenantRotations {
  /** Entries of the Secret of tenants to write; null removes one. */
  readonly changes: KeyChanges;
  /** By tenant ID, of all that have keys. */
  readonly plans: ReadonlyMap<string, KeyPlan>;
  /** Time until the next step may be due, ms; undefined without one. */
  readonly againAfterMs: number | undefined;
}

/** Interval at which processes are looked at that are loading a key, ms. */
const LOADING_MS = 1_000;

/** The next steps of all rotations. Tenants without one cost two hashes, for the IDs of their keys. */
export function tenantRotations(
  tenants: readonly TenantEntry[],
  specs: ReadonlyMap<string, OpenIMTenantKeys>,
  secrets: Readonly<Record<string, string>>,
  input: Pick<KeyPlanInput, 'level' | 'now'> & {
    readonly inForce: (id: string) => ReturnType<KeyPlanInput['inForce']>;
  },
): TenantRotations {
  const { level, now, inForce } = input;
  const changes: Record<string, string | null> = {};
  const plans = new Map<string, KeyPlan>();
  const waits: number[] = [];
  for (const { id } of tenants) {
    const spec = specs.get(id);
    if (!hasRotation(id, spec, secrets)) {
      const generated = generatedKeys(id, secrets);
      if (generated) plans.set(id, generated);
      continue;
    }
    const plan = planKeys({ id, spec, secrets, level, now, inForce: () => inForce(id) });
    Object.assign(changes, plan.changes);
    plans.set(id, plan);
    if (plan.pending?.reason === 'LoadingKey') waits.push(LOADING_MS);
    for (const { until } of plan.keys) {
      const leftMs = until === undefined ? 0 : Date.parse(until) - now.getTime();
      if (leftMs > 0) waits.push(leftMs);
    }
  }
  return { changes, plans, againAfterMs: waits.length === 0 ? undefined : Math.min(...waits) };
}
