import type { TemplateVersion } from '../../resources/revision.ts';
import { TENANT_SHARDS } from '../../resources/tenant-shards.ts';
import type { ObservedMounts } from '../../resources/workloads.ts';
import type { TenantLayout } from '../tenant/reconcile.ts';

/** The settings level from which on services read the shards of tenants. */
const SHARDS_LEVEL = 1;

/**
 * The layout that all processes of a cluster can read, those of the version before included: shards, when all know them
 * and mount them. During a rollout from a version without them, the settings of tenants are part of the config.
 */
export function tenantLayoutOf(
  settingsLevel: number,
  templateVersion: TemplateVersion,
  mounted: readonly Pick<ObservedMounts, 'shards'>[],
): TenantLayout {
  const sharded =
    settingsLevel >= SHARDS_LEVEL && templateVersion >= 3 && mounted.every(({ shards }) => shards);
  return { settingsLevel, shards: sharded ? TENANT_SHARDS : 1 };
}
