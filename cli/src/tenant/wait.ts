import type { KubeClient } from '@im/kube';
import { OPENIM_TENANT, type OpenIMTenant } from '@im/operator';
import { follow, type Sight } from '../cluster/follow.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { showProgress } from '../progress.ts';
import { stopOnSignals } from '../signals.ts';
import { type FoundTenant, isInForce, isRefused, obstacle } from './rows.ts';

/** Name and namespace of a tenant's resource. */
export interface TenantKey {
  readonly namespace: string;
  readonly name: string;
}

function describe({ object, problem }: Sight<OpenIMTenant>): string {
  return object ? obstacle(object) : (problem ?? 'there is no such OpenIMTenant');
}

/** Follows a tenant until `isDone`, with progress on stderr. @throws CommandError `unreachable` after `timeoutMs`. */
async function waitFor(
  client: KubeClient,
  key: TenantKey,
  timeoutMs: number,
  what: string,
  isDone: (sight: Sight<OpenIMTenant>) => boolean,
): Promise<Sight<OpenIMTenant>> {
  const startedAt = performance.now();
  const expired = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([expired, stopOnSignals()]);
  let sight: Sight<OpenIMTenant> = { object: undefined };
  const name = `${key.namespace}/${key.name}`;
  using _ = showProgress(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    return `openimctl: ${seconds} s, ${name}: ${describe(sight)}`;
  });
  for await (sight of follow(client, OPENIM_TENANT, key, signal)) if (isDone(sight)) return sight;
  const why = expired.aborted
    ? `not ${what} after ${Math.round(timeoutMs / 1_000)} s`
    : `stopped before it was ${what}`;
  throw new CommandError(
    EXIT.unreachable,
    `${name}: ${why}: ${describe(sight)}; openimctl tenant get ${key.name} -n ${key.namespace} shows it`,
  );
}

/**
 * Waits until all running processes have the settings of this generation.
 * @throws CommandError `refused` when the operator refuses them, `unreachable` when it takes longer than `timeoutMs`.
 */
export async function untilInForce(
  client: KubeClient,
  key: TenantKey,
  generation: number | undefined,
  timeoutMs: number,
): Promise<FoundTenant> {
  const { object } = await waitFor(client, key, timeoutMs, 'in force', ({ object: tenant }) => {
    if (!tenant || (tenant.metadata.generation ?? 0) < (generation ?? 0)) return false;
    return isInForce(tenant) || isRefused(tenant);
  });
  if (object && isInForce(object)) return object;
  throw new CommandError(
    EXIT.refused,
    `${key.namespace}/${key.name} is stored, but not in force: ${object ? obstacle(object) : 'it is gone'}`,
  );
}

/**
 * Waits until the keys are those that the spec asks for.
 * @throws CommandError `unreachable` when it takes longer than `timeoutMs`.
 */
export async function untilKeysRotated(
  client: KubeClient,
  key: TenantKey,
  generation: number | undefined,
  timeoutMs: number,
): Promise<FoundTenant> {
  const { object } = await waitFor(client, key, timeoutMs, 'rotated', ({ object: tenant }) => {
    const rotated = tenant?.status?.conditions?.find(({ type }) => type === 'KeysRotated');
    return rotated?.status === 'True' && (rotated.observedGeneration ?? 0) >= (generation ?? 0);
  });
  if (object) return object;
  throw new CommandError(EXIT.refused, `${key.namespace}/${key.name} is gone`);
}

/** Waits until the resource is gone. @throws CommandError `unreachable` when it takes longer than `timeoutMs`. */
export async function untilGone(client: KubeClient, key: TenantKey, timeoutMs: number): Promise<void> {
  await waitFor(
    client,
    key,
    timeoutMs,
    'gone',
    ({ object, problem }) => object === undefined && problem === undefined,
  );
}
