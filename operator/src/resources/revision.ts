import type { ControllerRevision, Stored } from '@im/kube';
import type { SettingsTree } from './config.ts';
import type { EffectiveSpec } from './effective.ts';
import {
  ANNOTATION,
  type ByRole,
  metadataOf,
  nameOf,
  type Owner,
  REVISION_HASH_LABEL,
  ROLES,
} from './names.ts';
import { parseRecord, type UpgradeRecord } from './upgrade-record.ts';
import type { Mounts } from './workloads.ts';

/**
 * Versions of the layout of role pods. Version 1 mounts fixed names, version 2 the names of the revision, version 3 also
 * the shards of tenants; in version 4, gateways are spread over nodes by revision; in version 5, the pods that serve the
 * console know their OpenIMCluster and the CA of the API server.
 */
export type TemplateVersion = 1 | 2 | 3 | 4 | 5;
/** The version for pods that are created or replaced. */
export const TEMPLATE_VERSION: TemplateVersion = 5;

/** What a revision records of a role: what its pods mount and were started with. */
export interface RoleRevision extends Mounts {
  /** Hash of the settings that the role reads at startup only. */
  readonly restartHash: string;
}

/** What a revision records. */
export interface RevisionContent {
  readonly templateVersion: TemplateVersion;
  /** The effective spec, including images, at the creation of the revision. Settings that are live may have changed. */
  readonly effective: EffectiveSpec;
  readonly roles: ByRole<RoleRevision>;
  /** Startup settings by name of the mounted ConfigMap, without secrets. */
  readonly configs: Readonly<Record<string, SettingsTree>>;
}

/** A recorded revision of a cluster. */
export interface Revision {
  readonly name: string;
  /** The highest one is the wanted revision. */
  readonly number: number;
  readonly hash: string;
  /** ms since the epoch. */
  readonly createdAt?: number | undefined;
  /** Start of its last rollout, ms since the epoch; undefined while it waits for other clusters. */
  readonly startedAt?: number | undefined;
  /** When the cluster last matched it completely, ms since the epoch. */
  readonly completedAt?: number | undefined;
  /** The last upgrade to it; undefined when there was none. */
  readonly upgrade?: UpgradeRecord | undefined;
  readonly content: RevisionContent;
}

/** A revision that the cluster was upgraded to. */
export type UpgradedRevision = Revision & { readonly upgrade: UpgradeRecord };

/** The recorded revision in an object; undefined for one that this operator cannot read. */
export function revisionOf({ metadata, revision, data }: Stored<ControllerRevision>): Revision | undefined {
  const content = data as Partial<RevisionContent> | undefined;
  const { name, annotations = {}, labels = {}, creationTimestamp = '' } = metadata;
  const hash = labels[REVISION_HASH_LABEL];
  const { effective, roles, templateVersion } = content ?? {};
  if (hash === undefined || effective === undefined || roles === undefined) return undefined;
  if (templateVersion === undefined || ROLES.some((role) => roles[role] === undefined)) return undefined;
  const time = (text: string | undefined) => {
    const ms = Date.parse(text ?? '');
    return Number.isNaN(ms) ? undefined : ms;
  };
  return {
    name,
    number: Number(revision),
    hash,
    createdAt: time(creationTimestamp),
    startedAt: time(annotations[ANNOTATION.startedAt]),
    completedAt: time(annotations[ANNOTATION.completedAt]),
    upgrade: parseRecord(annotations[ANNOTATION.upgrade]),
    content: { templateVersion, effective, roles, configs: content?.configs ?? {} },
  };
}

/** The object that records a revision. Its data is immutable; its number is not. */
export function controllerRevision(
  owner: Owner,
  { hash, number, content }: Pick<Revision, 'hash' | 'number' | 'content'>,
): ControllerRevision {
  const metadata = metadataOf(owner, nameOf.revision(owner.name, hash));
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { ...metadata, labels: { ...metadata.labels, [REVISION_HASH_LABEL]: hash } },
    revision: number,
    // Without absent values, as the API server returns it.
    data: JSON.parse(JSON.stringify(content)),
  };
}
