import { CONTROLLER_REVISION, type KubeClient } from '@im/kube';
import { parse } from 'yaml';
import {
  CONNECTION_DIR,
  configYaml,
  hashOfConfig,
  inDirectory,
  RPC_KEY_FILE,
  type SettingsTree,
  startupSettings,
  withLiveSettings,
} from '../../resources/config.ts';
import type { RunningImages } from '../../resources/effective.ts';
import { ANNOTATION, type ByRole, nameOf, type Owner, type ProcessRole } from '../../resources/names.ts';
import { templateHash } from '../../resources/pod-template.ts';
import {
  controllerRevision,
  type Revision,
  type RevisionContent,
  revisionOf,
  TEMPLATE_VERSION,
  type TemplateVersion,
  type UpgradedRevision,
} from '../../resources/revision.ts';
import { decoded } from '../../resources/secrets.ts';
import type { UpgradeRecord } from '../../resources/upgrade-record.ts';
import { fixedMounts, type Mounts, type ObservedMounts } from '../../resources/workloads.ts';
import type { ObservedCluster } from './observation/observed-cluster.ts';

/** Revisions that are kept, in addition to the current one and those that pods still mount. */
const KEPT = 3;

/** The revisions of a cluster, and what its pods mount: everything that the next revision depends on. */
export interface RevisionHistory {
  /** Newest first. */
  readonly revisions: readonly Revision[];
  readonly mounted: readonly ObservedMounts[];
  /** Observed ConfigMaps with a config, by name. */
  readonly configs: ReadonlyMap<string, string>;
  /** Observed Secrets with connections, by name. */
  readonly connections: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** The history of a cluster without any object. */
export const NO_HISTORY: RevisionHistory = {
  revisions: [],
  mounted: [],
  configs: new Map(),
  connections: new Map(),
};

/** Recorded revisions of a cluster, newest first. */
export function revisionsOf(observed: ObservedCluster): Revision[] {
  return observed
    .controllerRevisions()
    .flatMap((object) => revisionOf(object) ?? [])
    .sort((a, b) => b.number - a.number);
}

/** The history of a cluster as observed. */
export function historyOf(observed: ObservedCluster): RevisionHistory {
  const revisions = revisionsOf(observed);
  const configs = observed
    .configMaps()
    .flatMap(({ metadata, data }) => (data?.['im.yaml'] ? [[metadata.name, data['im.yaml']] as const] : []));
  // Without those of tenants, which may be many.
  const connections = observed
    .secrets()
    .filter(({ metadata }) => metadata.name.startsWith(nameOf.connection(observed.owner.name)))
    .map(({ metadata, data }) => [metadata.name, decoded(data)] as const);
  return {
    revisions,
    mounted: observed.mounts(),
    configs: new Map(configs),
    connections: new Map(connections),
  };
}

/** The revision that the cluster matched completely most recently. */
export function currentRevision(revisions: readonly Revision[]): Revision | undefined {
  return revisions
    .filter(({ completedAt }) => completedAt !== undefined)
    .sort((a, b) => (b.completedAt ?? 0) - (a.completedAt ?? 0) || b.number - a.number)[0];
}

/** When the cluster left its current revision, ms since the epoch; undefined while all pods match that one. */
export function startedAtOf(revisions: readonly Revision[]): number | undefined {
  const matched = currentRevision(revisions)?.completedAt ?? 0;
  const starts = revisions.flatMap(({ startedAt = 0 }) => (startedAt > matched ? [startedAt] : []));
  return starts.length === 0 ? undefined : Math.max(...starts);
}

/**
 * Images and version in force: those of the current revision; of the newest one while none is complete; of status for a
 * cluster without revisions, which an earlier version created.
 */
export function runningImages(
  revisions: readonly Revision[],
  status: RunningImages | undefined,
): RunningImages | undefined {
  const revision = currentRevision(revisions) ?? revisions[0];
  return (revision?.content.effective as RunningImages | undefined) ?? status;
}

/** Where clients reach objects, in the config of rpc. */
export function objectsURLOf({ roles, configs }: RevisionContent): string | undefined {
  const s3 = configs[roles.rpc.config]?.s3 as { readonly externalEndpoint?: string } | undefined;
  return s3?.externalEndpoint;
}

/**
 * The template version of the wanted pods. It changes only when the image does, so that a new operator replaces no pods
 * by a change of its templates.
 * @param image wanted image of the roles. @param running the image in force.
 */
export function templateVersionFor(
  owner: Owner,
  { revisions, mounted }: RevisionHistory,
  image: string,
  running: string | undefined,
): TemplateVersion {
  const base = currentRevision(revisions) ?? revisions[0];
  if (base) return base.content.effective.image === image ? base.content.templateVersion : TEMPLATE_VERSION;
  const fixed = mounted.some(({ config }) => config === nameOf.config(owner.name));
  return fixed && running === image ? 1 : TEMPLATE_VERSION;
}

/** Hashes of startup settings by role; of prober and console when they have pods. */
export type RestartHashes = ByRole<string>;

/** The wanted config and connection. */
export interface WantedConfig {
  readonly owner: Owner;
  readonly templateVersion: TemplateVersion;
  /** All settings, with references to files. */
  readonly tree: SettingsTree;
  /** Text of im.yaml with all settings. */
  readonly yaml: string;
  readonly connection: Readonly<Record<string, string>>;
  /** Contents of files that processes of every revision read, by path. */
  readonly sharedFiles: Readonly<Record<string, string>>;
  readonly restartHashes: RestartHashes;
}

/** What the roles mount, and the contents of all mounted objects. */
export interface ConfigObjects {
  readonly roles: RevisionContent['roles'];
  readonly configs: RevisionContent['configs'];
  /** Texts of ConfigMaps to apply, by name. */
  readonly texts: ReadonlyMap<string, string>;
  /** Secrets to apply, by name. */
  readonly secrets: ReadonlyMap<
    string,
    { readonly data: Readonly<Record<string, string>>; immutable: boolean }
  >;
  /** Hashes that processes report when they have loaded the latest settings, whatever they mount. */
  readonly hashes: ReadonlySet<string>;
  /** Secrets of earlier revisions that must stay. */
  readonly keptSecrets: readonly string[];
}

/**
 * The mounted objects of the wanted and of all kept revisions; a pure function. A role keeps the objects that it mounts
 * while no setting changes that it reads at startup. ConfigMaps of earlier revisions keep their startup settings and get
 * the live settings of today.
 */
export function configObjects(wanted: WantedConfig, history: RevisionHistory): ConfigObjects {
  const { owner, templateVersion, tree, restartHashes } = wanted;
  const { [RPC_KEY_FILE]: key = '', ...stable } = wanted.connection;
  const startup = startupSettings(tree);
  const fixed = fixedMounts(owner);
  const own: Mounts =
    templateVersion === 1
      ? fixed
      : {
          config: nameOf.hashedConfig(owner.name, shortHash(startup)),
          connection: nameOf.hashedConnection(owner.name, shortHash(stable)),
        };
  const mountsFor = (role: ProcessRole, restartHash: string): Mounts =>
    templateVersion === 1 ? own : (mountedBefore(role, restartHash, own, fixed, history) ?? own);
  const roles = Object.fromEntries(
    Object.entries(restartHashes).map(([role, restartHash]) => {
      const { config, connection } = mountsFor(role as ProcessRole, restartHash);
      return [role, { restartHash, config, connection }];
    }),
  ) as RevisionContent['roles'];

  const mounts: readonly Mounts[] = [
    ...Object.values(roles),
    ...keptRevisions(history).flatMap(({ content }) => Object.values(content.roles)),
    ...history.mounted,
  ];
  // Hundreds of pods mount the same, whose hash takes milliseconds with many tenants.
  const pairs = [...new Map(mounts.map((each) => [`${each.config} ${each.connection}`, each])).values()];
  const inUse = (pick: (mounts: Mounts) => string) => [...new Set(pairs.map(pick))];
  const current = currentRevision(history.revisions);
  const recorded = [...(current ? [current] : []), ...history.revisions];
  const startupOf = (name: string): SettingsTree | undefined => {
    const found = recorded.find(({ content }) => content.configs[name] !== undefined)?.content.configs[name];
    return found ?? parsedStartup(history.configs.get(name));
  };
  const texts = new Map<string, string>();
  const configs: Record<string, SettingsTree> = {};
  for (const name of inUse(({ config }) => config)) {
    const before = name === own.config ? startup : startupOf(name);
    if (before === undefined) continue;
    texts.set(name, name === own.config ? wanted.yaml : configYaml(withLiveSettings(before, tree)));
    if (Object.values(roles).some(({ config }) => config === name)) configs[name] = before;
  }

  const secrets = new Map<string, { data: Readonly<Record<string, string>>; immutable: boolean }>();
  const keptSecrets: string[] = [];
  const contents = new Map<string, Readonly<Record<string, string>>>();
  for (const name of inUse(({ connection }) => connection)) {
    const observed = history.connections.get(name);
    if (name === own.connection && name !== fixed.connection) {
      secrets.set(name, { data: stable, immutable: true });
    } else if (name === own.connection) {
      secrets.set(name, { data: wanted.connection, immutable: false });
    } else if (name === fixed.connection && observed) {
      // Pods of template version 1 read the key of the cluster from it.
      secrets.set(name, { data: { ...observed, [RPC_KEY_FILE]: key }, immutable: false });
    } else {
      keptSecrets.push(name);
    }
    const data = secrets.get(name)?.data ?? observed;
    if (data) contents.set(name, { ...data, [RPC_KEY_FILE]: key });
  }

  const hashes = new Set<string>();
  for (const { config, connection } of pairs) {
    const [text, files] = [texts.get(config), contents.get(connection)];
    if (text === undefined || files === undefined) continue;
    hashes.add(hashOfConfig(text, { ...wanted.sharedFiles, ...inDirectory(CONNECTION_DIR, files) }));
  }
  return { roles, configs, texts, secrets, hashes, keptSecrets };
}

/** What a role mounted the last time that it had these startup settings. */
function mountedBefore(
  role: ProcessRole,
  restartHash: string,
  own: Mounts,
  fixed: Mounts,
  { revisions, mounted, connections }: RevisionHistory,
): Mounts | undefined {
  const candidates = [
    ...revisions.flatMap(({ content }) => content.roles[role] ?? []),
    ...mounted.filter((each) => each.role === role),
  ];
  return candidates.find(
    (each) =>
      each.restartHash === restartHash &&
      each.config !== fixed.config &&
      (each.connection === own.connection || connections.has(each.connection)),
  );
}

/** The newest revisions, the current one, and those that pods still mount. */
export function keptRevisions({ revisions, mounted }: RevisionHistory): Revision[] {
  const uses = ({ content }: Revision, { role, config, connection }: ObservedMounts) =>
    content.roles[role]?.config === config && content.roles[role]?.connection === connection;
  const kept = new Set<Revision | undefined>([
    ...revisions.slice(0, KEPT),
    currentRevision(revisions),
    // Several revisions may name what a pod mounts; the newest of them is enough.
    ...mounted.map((pod) => revisions.find((revision) => uses(revision, pod))),
  ]);
  return revisions.filter((revision) => kept.has(revision));
}

/** Revisions with an upgrade that are kept as its history. */
const KEPT_UPGRADES = 10;

/** The revisions that are kept: also those whose mounted objects are not, for their history. */
export function recordedRevisions(history: RevisionHistory): Revision[] {
  const kept = new Set(keptRevisions(history));
  const upgrades = history.revisions
    .filter(({ upgrade }) => upgrade !== undefined)
    .sort((a, b) => (b.upgrade?.startedAt ?? 0) - (a.upgrade?.startedAt ?? 0))
    .slice(0, KEPT_UPGRADES);
  // What an unfinished rollback goes back to.
  const before = upgrades.flatMap(({ upgrade }) =>
    upgrade && upgrade.finishedAt === undefined ? [upgrade.from] : [],
  );
  for (const revision of upgrades) kept.add(revision);
  return history.revisions.filter((revision) => kept.has(revision) || before.includes(revision.name));
}

/** Revisions whose upgrade has ended, the last one first. */
export function endedUpgrades(revisions: readonly Revision[]): UpgradedRevision[] {
  return revisions
    .flatMap((revision) => (revision.upgrade?.finishedAt === undefined ? [] : [revision as UpgradedRevision]))
    .sort((a, b) => (b.upgrade.finishedAt ?? 0) - (a.upgrade.finishedAt ?? 0));
}

/** Records an upgrade at the revision that it goes to. */
export async function recordUpgrade(
  client: KubeClient,
  { namespace }: Owner,
  name: string,
  record: UpgradeRecord,
  signal: AbortSignal,
): Promise<void> {
  const annotations = { [ANNOTATION.upgrade]: JSON.stringify(record) };
  await client.patch(CONTROLLER_REVISION, { namespace, name }, { metadata: { annotations } }, { signal });
}

/** Identifies a revision: everything that would replace pods, and the version. */
export function revisionHash(content: RevisionContent, templates: Readonly<Record<string, string>>): string {
  const { templateVersion, effective } = content;
  return shortHash({ templateVersion, version: effective.version, templates });
}

/** The manifest of the wanted revision: a recorded one of the same hash is made the newest again. */
export function wantedRevision(
  owner: Owner,
  hash: string,
  content: RevisionContent,
  revisions: readonly Revision[],
) {
  const found = revisions.find((revision) => revision.hash === hash);
  const newest = revisions[0]?.number ?? 0;
  const number = found && found.number === newest ? newest : newest + 1;
  return controllerRevision(owner, { hash, number, content: found?.content ?? content });
}

/** Notes on a revision that its rollout has started, or that the cluster matches it completely. */
export async function markRevision(
  client: KubeClient,
  { namespace }: Owner,
  name: string,
  mark: 'startedAt' | 'completedAt',
  signal: AbortSignal,
): Promise<void> {
  const annotations = { [ANNOTATION[mark]]: new Date().toISOString() };
  await client.patch(CONTROLLER_REVISION, { namespace, name }, { metadata: { annotations } }, { signal });
}

function parsedStartup(text: string | undefined): SettingsTree | undefined {
  return text === undefined ? undefined : startupSettings(parse(text) as SettingsTree);
}

function shortHash(value: unknown): string {
  return templateHash(value).slice(0, 10);
}
