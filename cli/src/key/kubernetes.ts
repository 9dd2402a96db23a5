import type { KubeClient } from '@im/kube';
import { OPENIM_TENANT } from '@im/operator';
import { withKubeClient } from '../cluster/find.ts';
import type { KubeOptions } from '../cluster/options.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import { foundTenant, tenantKeyOf } from '../tenant/found.ts';
import type { FoundTenant } from '../tenant/rows.ts';
import { type TenantKey, untilKeysRotated } from '../tenant/wait.ts';
import type { KeyPurpose, KeyRow } from './rows.ts';

interface WaitOptions extends KubeOptions {
  wait: boolean;
  timeout?: number;
}

const FIELD_MANAGER = 'openimctl';
const DEADLINE_MS = 15_000;
const DEFAULT_TIMEOUT_MS = 120_000;
/** Most IDs in `spec.keys.revoked`. */
const MAX_REVOKED = 16;

/** Keys of a tenant as the operator reports them. */
export async function keysOf(tenant: string, options: KubeOptions): Promise<KeyRow[]> {
  return withKubeClient(options, async (client) =>
    rowsOf(await foundTenant(client, tenantKeyOf(client, tenant, options))),
  );
}

/** Has a new key made and used. */
export async function rotate(
  tenant: string,
  purpose: KeyPurpose,
  overlapHours: number,
  options: WaitOptions,
): Promise<KeyRow[]> {
  return withKubeClient(options, async (client) => {
    const key = tenantKeyOf(client, tenant, options);
    await foundTenant(client, key);
    const rotation = new Date().toISOString().replace(/:/g, '.');
    return change(client, key, { [purpose]: { rotation, overlapHours } }, options);
  });
}

/** Ends a key. @throws CommandError `usage` for one that the operator does not list. */
export async function revoke(tenant: string, id: string, options: WaitOptions): Promise<KeyRow[]> {
  return withKubeClient(options, async (client) => {
    const key = tenantKeyOf(client, tenant, options);
    const { spec, status } = await foundTenant(client, key);
    if (status?.keys && !status.keys.some((known) => known.id === id))
      throw usageError(`${tenant} has no key ${id}; openimctl key list ${tenant} shows them`);
    const before = spec.keys?.revoked ?? [];
    const revoked = [...before.filter((known) => known !== id), id].slice(-MAX_REVOKED);
    return change(client, key, { revoked }, options);
  });
}

async function change(
  client: KubeClient,
  key: TenantKey,
  keys: object,
  { wait, timeout = DEFAULT_TIMEOUT_MS }: WaitOptions,
): Promise<KeyRow[]> {
  const options = { fieldManager: FIELD_MANAGER, strict: true, deadlineMs: DEADLINE_MS };
  const changed = await client.patch(OPENIM_TENANT, key, { spec: { keys } }, options);
  if (!wait) return changed.status?.keys ? rowsOf(changed) : [];
  return rowsOf(await untilKeysRotated(client, key, changed.metadata.generation, timeout));
}

function rowsOf({ metadata, status }: FoundTenant): KeyRow[] {
  if (!status?.keys)
    throw new CommandError(
      EXIT.refused,
      `the operator lists no keys of ${metadata.name}, as none was rotated yet: openimctl key rotate ${metadata.name} makes a new one`,
    );
  return status.keys.map(({ purpose, id, state, since = null, until = null }) => ({
    ...{ purpose, id, state, since, until },
  }));
}
