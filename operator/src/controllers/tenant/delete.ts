import { DEFAULT_TENANT, type TenantPurgeReport } from '@im/contract';
import { messageOf } from '@im/kit';
import { isApiError, type KubeClient, parseKey, SECRET, type Stored } from '@im/kube';
import { namespaceEntry, tenantKeys } from '../../resources/config.ts';
import { OPENIM_TENANT, type OpenIMTenant } from '../../resources/kinds.ts';
import { FINALIZER, nameOf } from '../../resources/names.ts';
import { rotationKeys } from '../../resources/tenant-keys.ts';
import { isTerminating } from '../cluster/delete.ts';
import type { ProcessApi } from '../cluster/observation/process-api.ts';
import type { RunningProcess } from '../cluster/observation/reports.ts';
import { clusterKeyOf } from './identity.ts';

/** What a deletion waits for. */
export interface DeletionStep {
  readonly reason: 'Deleting' | 'Purging';
  readonly message: string;
  readonly purgeAt?: Date | undefined;
  /** Progress of the removal. */
  readonly report?: TenantPurgeReport;
  readonly againAfterMs: number;
}

/** What the deletion of a tenant depends on. */
export interface DeletionState {
  readonly id: string;
  /** Whether there is a cluster that has data of this resource to remove; undefined until that was looked at. */
  readonly hasCluster: boolean | undefined;
  /** When other resources with its tenant ID were created, ms since the epoch. */
  readonly claims: readonly number[];
  readonly processes: readonly RunningProcess[];
  /** Key of the cluster when no process serves the tenant any more. */
  readonly key: string | undefined;
}

/** @default of `spec.purgeAfterHours` */
const PURGE_AFTER_HOURS = 72;
const HOUR_MS = 3_600_000;
const LOOK_MS = 2_000;
/** Longest wait until the next look: a changed policy is seen at once anyway. */
const MAX_WAIT_MS = HOUR_MS;
/** Roles whose processes can remove what is stored of a tenant. */
const PURGING_ROLES: ReadonlySet<string> = new Set(['rpc', 'third', 'all']);
const WAY_OUT = 'spec.deletionPolicy: Retain ends the deletion and keeps what is left';

/** When what is stored of a tenant may be removed; undefined when it is kept. */
export function purgeTime({ metadata, spec }: Stored<OpenIMTenant>, id: string): Date | undefined {
  // The default tenant exists without a resource, too.
  if (spec.deletionPolicy !== 'Purge' || id === DEFAULT_TENANT) return undefined;
  const { purgeAfterHours = PURGE_AFTER_HOURS } = spec;
  return new Date(Date.parse(metadata.deletionTimestamp ?? '') + purgeAfterHours * HOUR_MS);
}

/**
 * Deletes tenants with `deletionPolicy: Purge`: after the grace period, and when no process serves the tenant any more, a
 * process removes what is stored, then its keys go. Others are deleted at once, and what is stored is kept.
 */
export class TenantDeletion {
  readonly #client: KubeClient;
  readonly #processes: Pick<ProcessApi, 'purgeTenant'>;

  constructor(client: KubeClient, processes: Pick<ProcessApi, 'purgeTenant'>) {
    this.#client = client;
    this.#processes = processes;
  }

  /** Has the deletion of a tenant wait for this controller, if its policy says so. @returns whether that changed. */
  async setFinalizer(tenant: Stored<OpenIMTenant>, signal: AbortSignal): Promise<boolean> {
    const isSet = tenant.metadata.finalizers?.includes(FINALIZER) ?? false;
    const isWanted = tenant.spec.deletionPolicy === 'Purge';
    if (isSet === isWanted) return false;
    const others = (tenant.metadata.finalizers ?? []).filter((each) => each !== FINALIZER);
    await this.#patchFinalizers(tenant, isWanted ? [...others, FINALIZER] : others, signal);
    return true;
  }

  /** Takes the next step. @returns what it waits for; undefined when the deletion is complete. */
  async next(
    tenant: Stored<OpenIMTenant>,
    { id, hasCluster, claims, processes, key }: DeletionState,
    signal: AbortSignal,
  ): Promise<DeletionStep | undefined> {
    const { finalizers = [], namespace = '' } = tenant.metadata;
    if (!finalizers.includes(FINALIZER)) return undefined;
    const purgeAt = purgeTime(tenant, id);
    const wait = (message: string, againAfterMs = LOOK_MS): DeletionStep => ({
      reason: 'Deleting',
      message,
      purgeAt,
      againAfterMs,
    });
    // One that is created later waits until this one is gone.
    const isClaimed = claims.some((createdAt) => createdAt <= (purgeAt?.getTime() ?? 0));
    const isOver = purgeAt === undefined || hasCluster === false || isClaimed;
    if (isOver || (await isTerminating(this.#client, namespace, signal))) {
      await this.#end(tenant, signal);
      return undefined;
    }
    if (hasCluster === undefined) return wait('The cluster is being looked at.');
    const leftMs = purgeAt.getTime() - Date.now();
    if (leftMs > 0) {
      const message = `Clients are refused. What is stored is removed for good at ${purgeAt.toISOString()}; until then ${WAY_OUT}.`;
      return wait(message, Math.min(leftMs, MAX_WAIT_MS));
    }
    if (key === undefined) {
      return wait(`Waiting until all processes of the cluster have removed the tenant; ${WAY_OUT}.`);
    }
    const host = processes.find(({ report }) =>
      report?.status.roles.some((role) => PURGING_ROLES.has(role)),
    )?.host;
    if (host === undefined)
      return wait(`No rpc process is running, which would remove what is stored; ${WAY_OUT}.`);
    const { placement = 'Shared' } = tenant.spec;
    let report: TenantPurgeReport;
    try {
      report = await this.#processes.purgeTenant({ host, key }, { tenant: id, placement }, signal);
    } catch (error) {
      signal.throwIfAborted();
      return wait(
        `A process did not remove what is stored (${messageOf(error)}); it is asked again. ${WAY_OUT}.`,
      );
    }
    if (report.state === 'done') {
      await this.#removeKeys(tenant, id, signal);
      await this.#end(tenant, signal);
      return undefined;
    }
    const failed =
      report.failure === undefined ? '' : ` The last attempt failed (${report.failure}) and is repeated.`;
    const message = `What is stored is being removed: ${report.step}.${failed} ${WAY_OUT}.`;
    return { reason: 'Purging', message, purgeAt, report, againAfterMs: LOOK_MS };
  }

  /** Removes the generated keys; credentials and the admin Secret go when the tenant leaves the config. */
  async #removeKeys(tenant: Stored<OpenIMTenant>, id: string, signal: AbortSignal): Promise<void> {
    const names = [...Object.values(tenantKeys(id)), ...Object.values(rotationKeys(id)), namespaceEntry(id)];
    const data = Object.fromEntries(names.map((name) => [name, null]));
    const { namespace, name } = parseKey(clusterKeyOf(tenant));
    const key = { namespace, name: nameOf.tenants(name) };
    try {
      await this.#client.patch(SECRET, key, { data }, { signal });
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
    }
  }

  async #end(tenant: Stored<OpenIMTenant>, signal: AbortSignal): Promise<void> {
    const others = (tenant.metadata.finalizers ?? []).filter((each) => each !== FINALIZER);
    await this.#patchFinalizers(tenant, others, signal);
  }

  async #patchFinalizers(
    { metadata: { name, namespace, resourceVersion } }: Stored<OpenIMTenant>,
    finalizers: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const patch = { metadata: { finalizers, resourceVersion } };
    await this.#client.patch(OPENIM_TENANT, { namespace, name }, patch, { signal });
  }
}
