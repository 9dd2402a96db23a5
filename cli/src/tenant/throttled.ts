import { messageOf } from '@im/kit';
import { withKubeClient } from '../cluster/find.ts';
import { type Environment, findServer, KUBERNETES } from '../find-server.ts';
import type { TargetOptions } from '../target-options.ts';
import { idOf, tenantsOf } from './found.ts';
import type { FoundTenant } from './rows.ts';

/** Requests that limits refused today, by tenant ID, as the operator counts them. */
export type Throttled = ReadonlyMap<string, number>;

/**
 * What limits refused today, of the tenants of a cluster on Kubernetes; of other servers nothing is known.
 * A warning says so where the tenants may not be listed.
 */
export async function throttledToday(
  options: TargetOptions,
  env: Environment = process.env,
  now = new Date(),
): Promise<Throttled> {
  const { cluster } = await findServer(options, env, { endpoints: [], secretOf: undefined }, KUBERNETES);
  if (!cluster) return new Map();
  const { kubeconfig, kubeContext } = options;
  try {
    const tenants = await withKubeClient(options, (client) =>
      tenantsOf(client, { kubeconfig, kubeContext, cluster: cluster.name }),
    );
    return new Map(tenants.flatMap((tenant) => countOf(tenant, now)));
  } catch (error) {
    process.stderr.write(
      `warning: throttled requests are not known, as the OpenIMTenants cannot be read: ${messageOf(error)}\n`,
    );
    return new Map();
  }
}

/** A count of another day is of an operator that has stopped counting. */
function countOf(tenant: FoundTenant, now: Date): [string, number][] {
  const { throttledToday: count, observedAt = '' } = tenant.status?.usage ?? {};
  if (count === undefined) return [];
  const isOfToday = observedAt.slice(0, 10) === now.toISOString().slice(0, 10);
  return count === 0 || isOfToday ? [[idOf(tenant), count]] : [];
}
