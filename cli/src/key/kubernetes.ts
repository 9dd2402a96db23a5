import type { KubeClient } from '@im/kube';
import { OPENIM_TENANT } from '@im/operator';
import { withKubeClient } from '../cluster/find.ts';
import { type DryRunOption, noteDryRun } from '../dry-run.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import type { OutputFormat } from '../output.ts';
import { age } from '../status/screen.ts';
import { findTenant, type TenantChoice } from '../tenant/found.ts';
import type { FoundTenant } from '../tenant/rows.ts';
import { type TenantKey, untilKeysRotated } from '../tenant/wait.ts';
import type { KeyPurpose, KeyRow } from './rows.ts';

interface WaitOptions extends TenantChoice, DryRunOption {
  wait: boolean;
  timeout?: number;
  output: OutputFormat;
}

const FIELD_MANAGER = 'openimctl';
const DEADLINE_MS = 15_000;
const DEFAULT_TIMEOUT_MS = 120_000;
/** Most IDs in `spec.keys.revoked`. */
const MAX_REVOKED = 16;

/** Keys of a tenant as the operator reports them. */
export async function keysOf(tenant: string, options: TenantChoice): Promise<KeyRow[]> {
  return withKubeClient(options, async (client) => rowsOf((await findTenant(client, tenant, options)).found));
}

/** Has a new key made and used. */
export async function rotate(
  tenant: string,
  purpose: KeyPurpose,
  overlapHours: number,
  options: WaitOptions,
): Promise<KeyRow[]> {
  return withKubeClient(options, async (client) => {
    const { key } = await findTenant(client, tenant, options);
    const rotation = new Date().toISOString().replace(/:/g, '.');
    return change(client, key, { [purpose]: { rotation, overlapHours } }, options);
  });
}

/** Ends a key. @throws CommandError `usage` for one that the operator does not list. */
export async function revoke(tenant: string, id: string, options: WaitOptions): Promise<KeyRow[]> {
  return withKubeClient(options, async (client) => {
    const { key, found } = await findTenant(client, tenant, options);
    const { spec, status } = found;
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
  { wait, timeout = DEFAULT_TIMEOUT_MS, dryRun, output }: WaitOptions,
): Promise<KeyRow[]> {
  const options = { fieldManager: FIELD_MANAGER, strict: true, deadlineMs: DEADLINE_MS, dryRun };
  const changed = await client.patch(OPENIM_TENANT, key, { spec: { keys } }, options);
  if (dryRun) noteDryRun(output);
  if (dryRun || !wait) return changed.status?.keys ? rowsOf(changed) : [];
  return rowsOf(await untilKeysRotated(client, key, changed.metadata.generation, timeout));
}

function rowsOf({ metadata, status }: FoundTenant): KeyRow[] {
  if (!status?.keys)
    throw new CommandError(
      EXIT.refused,
      `the operator has not listed the keys of ${metadata.name} yet: openimctl tenant get ${metadata.name} -n ${metadata.namespace} says how far it is; operators before 0.2 list them after the first rotation`,
    );
  const now = Date.now();
  const replaced = new Set(
    status.keys.filter(({ until }) => until !== undefined).map(({ purpose }) => purpose),
  );
  return status.keys.map(({ purpose, id, state, since, until = null }) => {
    // A key that replaced none was made with the tenant.
    const isFirst = state === 'Current' && !replaced.has(purpose);
    const from = since ?? (isFirst ? metadata.creationTimestamp : undefined) ?? null;
    return { ...{ purpose, id, state, since: from, until }, age: from && age(from, now) };
  });
}
