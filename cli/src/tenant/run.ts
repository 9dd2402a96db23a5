import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { ApiError, type KubeClient } from '@im/kube';
import { OPENIM_TENANT, type OpenIMTenant } from '@im/operator';
import { clusterKey, displayName, matchingClusters, onlyCluster, withKubeClient } from '../cluster/find.ts';
import type { KubeOptions } from '../cluster/options.ts';
import { confirmByName } from '../confirm.ts';
import { DryRun, type DryRunOption, noteDryRun } from '../dry-run.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import { isForPeople, type OutputFormat, printObject, printRows, printValue } from '../output.ts';
import { foundTenant, tenantKeyOf } from './found.ts';
import { type FoundTenant, TENANT_COLUMNS, tenantFacts, tenantRow } from './rows.ts';
import { merged, type Settings, type SettingsOptions, settingsOf, unset } from './settings.ts';
import { untilGone, untilInForce } from './wait.ts';

interface TenantOptions extends KubeOptions {
  output: OutputFormat;
}

interface WriteOptions extends TenantOptions {
  dryRun: boolean;
  wait: boolean;
  timeout?: number;
}

export interface CreateOptions extends WriteOptions, SettingsOptions {
  cluster?: string;
  id?: string;
  dedicated: boolean;
  file?: string;
}

export interface UpdateOptions extends WriteOptions, SettingsOptions {
  readonly unset: readonly string[];
}

export interface DeleteOptions extends TenantOptions, DryRunOption {
  yes?: boolean;
  wait: boolean;
  timeout?: number;
}

const FIELD_MANAGER = 'openimctl';
const DEADLINE_MS = 15_000;
const DEFAULT_TIMEOUT_MS = 120_000;
/** What is purged may be much. */
const DELETE_TIMEOUT_MS = 600_000;

/** For programs the resource itself, which can be applied again. */
async function print(tenant: FoundTenant, output: OutputFormat): Promise<void> {
  if (isForPeople(output)) await printObject(tenantFacts(tenant), output);
  else await printValue(withoutManagers(tenant), output);
}

function withoutManagers(tenant: FoundTenant): FoundTenant {
  const { managedFields: _, ...metadata } = tenant.metadata as FoundTenant['metadata'] & {
    managedFields?: unknown;
  };
  return { ...tenant, metadata };
}

/** Runs `openimctl tenant list`. */
export async function listTenants(
  options: TenantOptions & { readonly cluster?: string; readonly allNamespaces: boolean },
): Promise<void> {
  if (options.allNamespaces && options.namespace !== undefined)
    throw usageError('--all-namespaces and --namespace exclude each other: leave one out');
  await withKubeClient(options, async (client) => {
    const namespace = options.allNamespaces ? undefined : (options.namespace ?? client.namespace);
    const { items } = await client.list(OPENIM_TENANT, { namespace, deadlineMs: DEADLINE_MS });
    const of = options.cluster;
    const chosen = items
      .filter(({ spec }) => of === undefined || spec.clusterRef.name === of)
      .map(withoutManagers);
    chosen.sort((a, b) => (displayName(a) < displayName(b) ? -1 : 1));
    if (isForPeople(options.output)) await printRows(chosen.map(tenantRow), TENANT_COLUMNS, options.output);
    else await printValue(chosen, options.output);
  });
}

/** Runs `openimctl tenant get`. */
export async function getTenant(name: string, options: TenantOptions): Promise<void> {
  await withKubeClient(options, async (client) =>
    print(await foundTenant(client, tenantKeyOf(client, name, options)), options.output),
  );
}

/** A manifest from a file, or from standard input for `-`. @throws CommandError `usage` when it is no OpenIMTenant. */
async function manifestOf(file: string | undefined): Promise<Partial<OpenIMTenant>> {
  if (file === undefined) return {};
  let source: string;
  try {
    source = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw usageError(`--file: ${error instanceof Error ? error.message : error}`);
  }
  const { parseAllDocuments } = await import('yaml');
  const documents = parseAllDocuments(source);
  const [document] = documents;
  if (!document || documents.length > 1 || 'empty' in documents)
    throw usageError(`--file: ${file} has not exactly one document`);
  const [fault] = document.errors;
  if (fault) throw usageError(`--file: ${file}: ${fault.message}`);
  const manifest: unknown = document.toJS();
  const kind = (manifest as Partial<OpenIMTenant> | null)?.kind;
  if (kind !== 'OpenIMTenant')
    throw usageError(`--file: ${file} is no OpenIMTenant but ${kind ?? 'nothing known'}`);
  return manifest as Partial<OpenIMTenant>;
}

interface ClusterName {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/**
 * A cluster in another namespace than the tenant, both of which are named: it is not looked for, since those who may have
 * tenants need not see it.
 */
function clusterElsewhere(
  cluster: string | undefined,
  namespace: string | undefined,
): ClusterName | undefined {
  const [, of, name] = /^([^/]+)\/([^/]+)$/.exec(cluster ?? '') ?? [];
  return of === undefined || name === undefined || namespace === undefined || of === namespace
    ? undefined
    : { name, namespace: of };
}

/** The cluster that is named, or the only one. */
async function clusterOf(
  client: KubeClient,
  cluster: string | undefined,
  namespace: string | undefined,
  options: CreateOptions,
): Promise<ClusterName> {
  const key = clusterKey({ ...options, cluster, ...(namespace !== undefined && { namespace }) });
  const found = onlyCluster(await matchingClusters(client, key, DEADLINE_MS), key, client);
  if (options.cluster === undefined && isForPeople(options.output))
    process.stderr.write(`openimctl: using cluster ${displayName(found)}\n`);
  return { name: found.metadata.name, namespace: found.metadata.namespace };
}

/** Runs `openimctl tenant create`. */
export async function createTenant(name: string | undefined, options: CreateOptions): Promise<void> {
  const manifest = await manifestOf(options.file);
  const wanted = name ?? manifest.metadata?.name;
  if (wanted === undefined)
    throw usageError('<name> is missing; give it, or a manifest with metadata.name by --file');
  const settings = await settingsOf(options);
  if (options.dedicated) settings.placement = 'Dedicated';
  await withKubeClient(options, async (client) => {
    const { name: ofFile, namespace: clusterNamespace } = manifest.spec?.clusterRef ?? {};
    const choice = options.cluster ?? ofFile ?? (process.env.OPENIM_CLUSTER || undefined);
    const namespace = options.namespace ?? manifest.metadata?.namespace;
    const full = choice === ofFile && clusterNamespace ? `${clusterNamespace}/${choice}` : choice;
    const elsewhere = clusterElsewhere(full, namespace);
    const found = elsewhere ?? (await clusterOf(client, full, namespace, options));
    const identity = {
      clusterRef: elsewhere ? found : { name: found.name },
      ...(options.id && { tenantID: options.id }),
    };
    const spec = merged({ ...manifest.spec }, { ...settings, ...identity });
    const metadata = {
      ...manifest.metadata,
      name: wanted,
      namespace: elsewhere ? namespace : (found.namespace ?? client.namespace),
    };
    const tenant = { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMTenant', metadata, spec };
    let created: FoundTenant;
    try {
      created = await client.create(OPENIM_TENANT, tenant as unknown as OpenIMTenant, {
        ...{ fieldManager: FIELD_MANAGER, strict: true, deadlineMs: DEADLINE_MS },
        dryRun: options.dryRun,
      });
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409)) throw error;
      throw new CommandError(
        EXIT.refused,
        `there is an OpenIMTenant ${wanted} in namespace ${metadata.namespace} already; openimctl tenant update ${wanted} -n ${metadata.namespace} changes it`,
        { cause: error },
      );
    }
    await finish(client, created, options);
  });
}

/** Runs `openimctl tenant update`. */
export async function updateTenant(name: string, options: UpdateOptions): Promise<void> {
  const settings = await settingsOf(options);
  unset(settings, options.unset);
  if (Object.keys(settings).length === 0)
    throw usageError('nothing to change: give --set, --unset, --quota, --host or --admin-user');
  await change(name, settings, options);
}

/** Runs `openimctl tenant suspend` and `resume`. */
export async function suspendTenant(name: string, suspended: boolean, options: WriteOptions): Promise<void> {
  await change(name, { suspended }, options);
}

async function change(name: string, spec: Settings, options: WriteOptions): Promise<void> {
  await withKubeClient(options, async (client) => {
    const key = tenantKeyOf(client, name, options);
    await foundTenant(client, key);
    const changed = await client.patch(
      OPENIM_TENANT,
      key,
      { spec },
      {
        ...{ fieldManager: FIELD_MANAGER, strict: true, deadlineMs: DEADLINE_MS },
        dryRun: options.dryRun,
      },
    );
    await finish(client, changed, options);
  });
}

/** Prints what was written, once it is in force, or at once without `wait`. */
async function finish(client: KubeClient, tenant: FoundTenant, options: WriteOptions): Promise<void> {
  const { wait, dryRun, output } = options;
  if (dryRun) noteDryRun(output);
  if (dryRun || !wait) {
    await print(tenant, output);
    return;
  }
  const { name, namespace = client.namespace, generation } = tenant.metadata;
  const timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
  await print(await untilInForce(client, { name, namespace }, generation, timeoutMs), output);
}

/** Runs `openimctl tenant delete`. */
export async function deleteTenant(name: string, options: DeleteOptions): Promise<void> {
  await withKubeClient(options, async (client) => {
    const key = tenantKeyOf(client, name, options);
    const { metadata, spec } = await foundTenant(client, key);
    const { dryRun } = options;
    await confirmByName('delete the tenant', name, options.yes || dryRun);
    await client.delete(OPENIM_TENANT, key, { uid: metadata.uid, deadlineMs: DEADLINE_MS, dryRun });
    if (dryRun)
      throw new DryRun('delete the tenant', {
        namespace: key.namespace,
        name,
        deletionPolicy: spec.deletionPolicy ?? 'Retain',
      });
    if (options.wait) await untilGone(client, key, options.timeout ?? DELETE_TIMEOUT_MS);
    const state = options.wait ? 'deleted' : 'being deleted';
    await printObject({ namespace: key.namespace, name, state }, options.output);
  });
}
