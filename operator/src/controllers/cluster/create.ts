import { type CallerProof, DEFAULT_ADMIN_USER, restartHash, TENANT_INDEX } from '@im/contract';
import type { ConfigMap, Deployment, KubeObject, Secret, StatefulSet } from '@im/kube';
import {
  CONNECTION_DIR,
  inDirectory,
  renderConfig,
  TENANTS_DIR,
  type TenantEntry,
  tenantKeys,
} from '../../resources/config.ts';
import { disruptionBudgets } from '../../resources/disruption-budgets.ts';
import { type EffectiveSpec, rolesOf } from '../../resources/effective.ts';
import { httpRoutes } from '../../resources/http-routes.ts';
import { monitoringManifests } from '../../resources/monitoring/manifests.ts';
import {
  ANNOTATION,
  CONSOLE,
  metadataOf,
  nameOf,
  type Owner,
  PROBER,
  type ProcessRole,
  type Role,
} from '../../resources/names.ts';
import { networkPolicies } from '../../resources/network-policies.ts';
import type { RevisionContent, TemplateVersion } from '../../resources/revision.ts';
import { encoded } from '../../resources/secrets.ts';
import { apiService, consoleServices, ingresses, rpcService } from '../../resources/services.ts';
import { endpointsOf } from '../../resources/stores/credentials.ts';
import { storeManifests } from '../../resources/stores/manifests.ts';
import { type ShardObjects, shardFile } from '../../resources/tenant-shards.ts';
import { gatewayRevision, serviceAccount, type WorkloadInput, workload } from '../../resources/workloads.ts';
import { type TenantsVersion, versionText } from '../tenant/wanted.ts';
import {
  configObjects,
  type RestartHashes,
  type RevisionHistory,
  recordedRevisions,
  revisionHash,
  wantedRevision,
} from './revisions.ts';

/** Input of the objects of a cluster. */
export interface DesiredInput {
  readonly owner: Owner;
  readonly effective: EffectiveSpec;
  /** Passwords of managed stores. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Credentials and connection strings of the stores. */
  readonly connection: Readonly<Record<string, string>>;
  /** Settings of the tenants. */
  readonly tenants: readonly TenantEntry[];
  /** Objects with their settings and credentials; undefined when those are part of the config. */
  readonly tenantShards?: ShardObjects | undefined;
  /** Keys of the tenants. */
  readonly tenantSecrets: Readonly<Record<string, string>>;
  /** Version of the list of tenants; undefined for services that do not know it. */
  readonly tenantsVersion?: TenantsVersion | undefined;
  /** Where clients reach objects. */
  readonly objectsURL: string;
  readonly rpcKey: CallerProof;
  readonly operatorNamespace: string;
  readonly restartedAt: string | undefined;
  /** Observed StatefulSets: some of their fields are immutable. */
  readonly statefulSets: readonly StatefulSet[];
  readonly templateVersion: TemplateVersion;
  readonly history: RevisionHistory;
  /** Settings level of the config. */
  readonly settingsLevel: number;
  /** Roles whose number of pods another client has set. @default none */
  readonly scaledByOthers?: readonly Role[];
}

/** Workloads that are rolled out together, after all stages before. */
export interface Stage {
  readonly name: string;
  readonly workloads: readonly (Deployment | StatefulSet)[];
}

/** All objects of a cluster except the gateways and their Service, which change step by step. */
export interface Desired {
  /** Objects that start or stop no pod. */
  readonly base: readonly KubeObject[];
  /** Objects of `spec.monitoring`, which nothing depends on. */
  readonly monitoring: readonly KubeObject[];
  /** In rollout order. */
  readonly stages: readonly Stage[];
  readonly gateway: WorkloadInput;
  /** Revision of the gateways that it makes. */
  readonly gatewayRevision: string;
  /** Name of the wanted revision, whose ControllerRevision is among the base objects. */
  readonly revision: string;
  /** Objects of earlier revisions, which are neither changed nor deleted. */
  readonly kept: readonly KubeObject[];
  /** Hashes of the configs, by what pods mount; processes report the hash that they have loaded. */
  readonly configHashes: ReadonlySet<string>;
}

/** The objects of a cluster; a pure function. @throws ConfigError for settings that the services would reject. */
export function desiredObjects(input: DesiredInput): Desired {
  const { owner, effective, credentials, connection, tenantSecrets, operatorNamespace } = input;
  const rendered = renderConfig({
    owner,
    effective,
    endpoints: endpointsOf({ owner, effective }),
    tenants: input.tenantShards ? undefined : input.tenants,
    tenantsRevision: input.tenantsVersion?.revision,
    files: { ...inDirectory(CONNECTION_DIR, connection), ...inDirectory(TENANTS_DIR, tenantSecrets) },
    objectsURL: input.objectsURL,
    rpcKey: input.rpcKey,
  });
  const config = configObjects(
    {
      owner,
      templateVersion: input.templateVersion,
      tree: rendered.tree,
      yaml: rendered.yaml,
      connection,
      sharedFiles: inDirectory(TENANTS_DIR, tenantSecrets),
      restartHashes: Object.fromEntries(
        rolesOf(effective).map((role) => [role, restartHash(rendered.config, role)]),
      ) as RestartHashes,
    },
    input.history,
  );
  const stores = storeManifests({
    owner,
    effective,
    credentials,
    existing: input.statefulSets,
    restartedAt: input.restartedAt,
  });
  const workloadInput = (role: ProcessRole): WorkloadInput => ({
    owner,
    effective,
    restartHash: config.roles[role]?.restartHash ?? '',
    restartedAt: input.restartedAt,
    mounts: config.roles[role],
    shards: input.templateVersion >= 3,
    apartByRevision: input.templateVersion >= 4,
    knowsResource: input.templateVersion >= 5,
  });
  const deployment = (role: Exclude<ProcessRole, 'gateway'>) =>
    workload(
      role,
      workloadInput(role),
      input.scaledByOthers?.some((scaled) => scaled === role),
    );
  const gateway = workloadInput('gateway');
  const stages: readonly Stage[] = [
    // One by one: a change that reaches all stores restarts them one after the other.
    ...stores.filter(isStatefulSet).map((set) => ({ name: storeOf(set), workloads: [set] })),
    // It harms no client when it fails with a wrong image, and it observes all that follows.
    ...(effective.prober ? [{ name: PROBER, workloads: [deployment(PROBER)] }] : []),
    { name: 'rpc', workloads: [deployment('rpc')] },
    { name: 'transfer', workloads: [deployment('transfer')] },
    { name: 'push and cron', workloads: [deployment('push'), deployment('cron')] },
    // Before api, which no longer serves it then.
    ...(effective.console?.own ? [{ name: CONSOLE, workloads: [deployment(CONSOLE)] }] : []),
    { name: 'api', workloads: [deployment('api')] },
  ];
  const content: RevisionContent = {
    templateVersion: input.templateVersion,
    effective,
    roles: config.roles,
    configs: config.configs,
  };
  const templates = {
    ...Object.fromEntries(stages.flatMap(({ workloads }) => workloads.map(templateEntry))),
    gateway: gatewayRevision(gateway),
  };
  const hash = revisionHash(content, templates);
  return {
    base: [
      wantedRevision(owner, hash, content, input.history.revisions),
      serviceAccount(owner, effective),
      ...[...config.secrets].map(([name, { data, immutable }]) => ({
        ...secretOf(owner, name, data),
        ...(immutable ? { immutable } : {}),
      })),
      // Admin credentials of a tenant, for users and openimctl.
      ...input.tenants.map(({ id, adminUserIDs = [] }) =>
        secretOf(owner, nameOf.admin(owner.name, id), {
          adminUser: adminUserIDs[0] ?? DEFAULT_ADMIN_USER,
          adminSecret: tenantSecrets[tenantKeys(id).admin] ?? '',
        }),
      ),
      ...shardManifests(input),
      ...[...config.texts].map(([name, text]) => configMapOf(input, name, text)),
      rpcService(owner),
      apiService(owner, effective),
      ...consoleServices(owner, effective),
      ...ingresses(owner, effective),
      ...httpRoutes(owner, effective),
      ...networkPolicies(owner, effective, operatorNamespace),
      ...disruptionBudgets(owner, effective),
      ...stores.filter((manifest) => !isStatefulSet(manifest)),
    ],
    monitoring: monitoringManifests(owner, effective),
    stages,
    gateway,
    gatewayRevision: templates.gateway,
    revision: nameOf.revision(owner.name, hash),
    kept: [
      ...config.keptSecrets.map((name) => keptObject(owner, 'v1', 'Secret', name)),
      ...recordedRevisions(input.history).map(({ name }) =>
        keptObject(owner, 'apps/v1', 'ControllerRevision', name),
      ),
    ],
    configHashes: config.hashes,
  };
}

function templateEntry({ metadata }: Deployment | StatefulSet): [string, string] {
  return [metadata?.name ?? '', metadata?.annotations?.[ANNOTATION.templateHash] ?? ''];
}

/** Credentials first, then what refers to them, then the index. */
function shardManifests({ owner, tenantShards, tenantsVersion }: DesiredInput): KubeObject[] {
  if (!tenantShards) return [];
  const configMap = (
    name: string,
    data: ConfigMap['data'],
    annotations?: Record<string, string>,
  ): ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...metadataOf(owner, name), ...(annotations && { annotations }) },
    data,
  });
  const nameOfShard = (shard: number) => nameOf.tenantShard(owner.name, shard);
  return [
    ...[...tenantShards.secrets].map(([shard, values]) => secretOf(owner, nameOfShard(shard), values)),
    ...[...tenantShards.files].map(([shard, text]) =>
      configMap(nameOfShard(shard), { [shardFile(shard)]: text }),
    ),
    configMap(
      nameOf.tenants(owner.name),
      { [TENANT_INDEX]: tenantShards.index },
      tenantsVersion && { [ANNOTATION.tenants]: versionText(tenantsVersion) },
    ),
  ];
}

function configMapOf(
  { owner, settingsLevel, tenantsVersion, tenantShards }: DesiredInput,
  name: string,
  text: string,
): ConfigMap {
  const annotations = {
    [ANNOTATION.settingsLevel]: String(settingsLevel),
    ...(tenantsVersion && !tenantShards && { [ANNOTATION.tenants]: versionText(tenantsVersion) }),
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...metadataOf(owner, name), annotations },
    data: { 'im.yaml': text },
  };
}

function keptObject({ namespace }: Owner, apiVersion: string, kind: string, name: string): KubeObject {
  return { apiVersion, kind, metadata: { namespace, name } };
}

function secretOf(owner: Owner, name: string, values: Readonly<Record<string, string>>): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: metadataOf(owner, name),
    data: encoded(values),
  };
}

/** Whether a stage is one of a managed store. */
export function isStoreStage({ workloads }: Stage): boolean {
  return workloads.some(isStatefulSet);
}

function storeOf({ metadata }: StatefulSet): string {
  return metadata?.labels?.['app.kubernetes.io/component'] ?? 'stores';
}

function isStatefulSet(manifest: KubeObject): manifest is StatefulSet {
  return manifest.kind === 'StatefulSet';
}
