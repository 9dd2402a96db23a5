import { DEFAULT_TENANT } from '@im/contract';
import {
  type Informer,
  isConflict,
  type KubeClient,
  keyOf,
  type ObjectKey,
  PERSISTENT_VOLUME_CLAIM,
  type PersistentVolumeClaim,
  SECRET,
  type Secret,
  type Stored,
} from '@im/kube';
import { isCredentialKey, namespaceEntry, tenantKeys } from '../../resources/config.ts';
import type { OpenIMCluster } from '../../resources/kinds.ts';
import { ANNOTATION, labelsOf, nameOf, type Owner } from '../../resources/names.ts';
import { decoded, encoded } from '../../resources/secrets.ts';
import { makeCredentials } from '../../resources/stores/credentials.ts';
import { type KeyChanges, makeTenantKey } from '../../resources/tenant-keys.ts';
import { BrokenReferenceError } from './broken-reference.ts';
import type { ObservedCluster } from './observation/observed-cluster.ts';
import { ownershipOf, requireOurs } from './ownership.ts';
import { missingMarks } from './retained.ts';

/** Whether values may be generated. */
export interface Generation {
  readonly owner: Owner;
  /** What shows that the cluster ran before, with values that are then in use. */
  readonly inUse: string | undefined;
  /** Whether the user accepts new values in place of lost ones. */
  readonly accepted: boolean;
}

/** Time for which an acceptance of new credentials is valid, ms. */
const ACCEPTED_MS = 3_600_000;

/** The signs by which a cluster is known to have run before; a pure function. */
export function generationOf(
  { metadata, status }: Stored<OpenIMCluster>,
  observed: Pick<ObservedCluster, 'owner' | 'volumeClaims' | 'hasWorkloads'>,
  now: number,
): Generation {
  const [claim] = observed.volumeClaims();
  const accepted = Date.parse(metadata.annotations?.[ANNOTATION.newCredentialsAt] ?? '');
  return {
    owner: observed.owner,
    inUse: claim
      ? `volume claim ${claim.metadata.name}`
      : observed.hasWorkloads()
        ? 'its workloads'
        : status?.gatewayRevision === undefined
          ? undefined
          : 'its status',
    accepted: Math.abs(now - accepted) < ACCEPTED_MS,
  };
}

/** A Secret to generate. */
interface Wanted {
  readonly name: string;
  readonly make: () => Record<string, string>;
  /** Entries that are in use as soon as a cluster has run. */
  readonly vital: readonly string[];
  /** What new values cause. */
  readonly loss: string;
  /** Values of users, which are copied. */
  readonly copied?: Copied;
}

/** Values of users in a generated Secret. */
interface Copied {
  readonly values: Readonly<Record<string, string>>;
  /** Whether an entry is one of a user that is not needed any more. */
  readonly isObsolete: (entry: string) => boolean;
}

/** To which namespaces the tenants belong that have keys. */
export interface TenantHolders {
  /** Undefined for an ID under which nothing is stored. */
  readonly namespaceOf: (id: string) => string | undefined;
  /** Entries of the Secret of tenants for those of other namespaces than the cluster's. */
  readonly elsewhere: Readonly<Record<string, string>>;
}

/** What the Secret of tenants is to have. */
export interface TenantSecrets {
  /** Tenants with generated keys. */
  readonly ids: readonly string[];
  /** Namespaces of those that are in another one than the cluster, by ID. */
  readonly namespaces: ReadonlyMap<string, string>;
  /** What tenants refer to, by `credentialKey`. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Whether a config names an entry: a pod that starts with it must find the entry. */
  readonly isNamed: (entry: string) => boolean;
}

/**
 * Secrets that are generated once and then kept: a cluster that is created again must have the passwords that its
 * retained volumes were initialized with. They have no owner reference, because they must outlive the cluster as long
 * as its volumes do. Values that are in use are never generated again, unless the user accepts the loss.
 */
export class GeneratedSecrets {
  readonly #client: KubeClient;
  readonly #copies: Informer<Secret>;
  /** Secrets that this operator has written, until their local copies have caught up. */
  readonly #written = new Set<string>();

  /** @param copies local copies of the operator's Secrets. */
  constructor(client: KubeClient, copies: Informer<Secret>) {
    this.#client = client;
    this.#copies = copies;
  }

  /**
   * Passwords of managed stores, and the key of the cluster; missing ones are generated.
   * @throws BrokenReferenceError when values that are in use are lost. @throws ForeignObjectError
   */
  credentials(generation: Generation, signal: AbortSignal): Promise<Record<string, string>> {
    const wanted = {
      name: nameOf.credentials(generation.owner.name),
      make: makeCredentials,
      vital: ['natsPassword', 'redisPassword', 'mongodbPassword', 's3SecretKey'],
      loss: 'managed stores refuse new passwords, so that users, messages and files in their volumes cannot be read',
    };
    return this.#ensure(generation, wanted, signal);
  }

  /** Writes entries of the same Secret; an empty value removes the entry. */
  async keep(owner: Owner, changes: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    if (Object.keys(changes).length === 0) return;
    const key: ObjectKey = { namespace: owner.namespace, name: nameOf.credentials(owner.name) };
    const data = Object.fromEntries(
      Object.entries(encoded(changes)).map(([entry, value]) => [entry, value === '' ? null : value]),
    );
    this.#written.add(keyOf(key));
    await this.#client.patch(SECRET, key, { data }, { signal });
  }

  /** Writes entries of the Secret of tenants; null removes one. @param secrets its entries. @returns them afterwards. */
  async keepTenantKeys(
    { namespace, name }: Owner,
    secrets: Readonly<Record<string, string>>,
    changes: KeyChanges,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    const entries = Object.entries(changes);
    if (entries.length === 0) return secrets;
    const key: ObjectKey = { namespace, name: nameOf.tenants(name) };
    const added = Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null));
    const removed = Object.fromEntries(entries.filter(([, value]) => value === null));
    this.#written.add(keyOf(key));
    await this.#client.patch(SECRET, key, { data: { ...encoded(added), ...removed } }, { signal });
    const kept = Object.entries(secrets).filter(([entry]) => !(entry in removed));
    return { ...Object.fromEntries(kept), ...added };
  }

  /** The Secret of tenants as far as it is known. */
  tenantValues({ namespace, name }: Owner): Record<string, string> {
    return decoded(this.#copies.get(keyOf({ namespace, name: nameOf.tenants(name) }))?.data);
  }

  /** Which namespaces the tenants belong to that have keys, as the Secret of tenants says it. */
  tenantHolders({ namespace, name }: Owner): TenantHolders {
    const data = this.#copies.get(keyOf({ namespace, name: nameOf.tenants(name) }))?.data ?? {};
    const elsewhere = Object.keys(data).filter((entry) => entry.endsWith(namespaceEntry('')));
    const named = decoded(Object.fromEntries(elsewhere.map((entry) => [entry, data[entry] ?? ''])));
    return {
      namespaceOf: (id) =>
        named[namespaceEntry(id)] ?? (data[tenantKeys(id).token] === undefined ? undefined : namespace),
      elsewhere: named,
    };
  }

  /**
   * Keys of all tenants in `ids`, of which missing ones are generated, and the credentials of tenants.
   * @throws BrokenReferenceError when keys that are in use are lost. @throws ForeignObjectError
   */
  tenants(
    generation: Generation,
    { ids, namespaces, credentials, isNamed }: TenantSecrets,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    const make = () =>
      Object.fromEntries(
        ids.flatMap((id) => {
          const keys = tenantKeys(id);
          const elsewhere = namespaces.get(id);
          return [
            [keys.token, makeTenantKey('signing')],
            [keys.admin, makeTenantKey('admin')],
            ...(elsewhere === undefined ? [] : [[namespaceEntry(id), elsewhere] as const]),
          ];
        }),
      );
    const wanted = {
      name: nameOf.tenants(generation.owner.name),
      make,
      vital: [tenantKeys(DEFAULT_TENANT).token],
      loss: 'new keys log out all users and change the admin secrets of all tenants',
      copied: {
        values: credentials,
        isObsolete: (entry: string) => isCredentialKey(entry) && !(entry in credentials) && !isNamed(entry),
      },
    };
    return this.#ensure(generation, wanted, signal);
  }

  async #ensure(
    generation: Generation,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    const { owner, inUse, accepted } = generation;
    const key: ObjectKey = { namespace: owner.namespace, name: wanted.name };
    const id = keyOf(key);
    const made = wanted.make();
    const copy = this.#written.has(id) ? undefined : this.#copies.get(id);
    if (copy && ownershipOf(copy, owner) === 'ours' && !missingMarks(copy.metadata, owner.name)) {
      const copied = decoded(copy.data);
      const isComplete = Object.keys(made).every((entry) => copied[entry] !== undefined);
      if (isComplete && Object.keys(changesOf(wanted.copied, copied)).length === 0) return copied;
    }
    // Read from the API server: with a stale copy a second password would be generated.
    const found = await this.#client.get(SECRET, key, { signal });
    const version = found?.metadata.resourceVersion;
    if (this.#copies.get(id)?.metadata.resourceVersion === version) this.#written.delete(id);
    if (found) requireOurs(found, owner);
    const known = decoded(found?.data);
    const lost = wanted.vital.filter((entry) => known[entry] === undefined);
    if (inUse !== undefined && lost.length > 0 && !accepted) throw lostError(owner, wanted, inUse, !found);
    const missing = Object.fromEntries(Object.entries(made).filter(([entry]) => known[entry] === undefined));
    const changes = changesOf(wanted.copied, known);
    const marks = missingMarks(found?.metadata ?? {}, owner.name);
    const isComplete = Object.keys(missing).length === 0 && Object.keys(changes).length === 0;
    if (found && isComplete && !marks) return known;
    const added = { ...missing, ...wanted.copied?.values };
    this.#written.add(id);
    try {
      if (found) {
        const labels = { ...labelsOf(owner.name), ...marks?.labels };
        const data = { ...changes, ...encoded(missing) };
        const patch = { metadata: { resourceVersion: version, ...marks, labels }, data };
        await this.#client.patch(SECRET, key, patch, { signal });
      } else {
        const labels = { ...labelsOf(owner.name), ...marks?.labels };
        const metadata = { ...key, ...marks, labels };
        const secret = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data: encoded(added) };
        await this.#client.create(SECRET, secret, { signal });
      }
    } catch (error) {
      // Another writer was faster; its values count.
      if (!isConflict(error)) throw error;
      return this.#ensure(generation, wanted, signal);
    }
    const obsolete = new Set(
      Object.entries(changes).flatMap(([entry, value]) => (value === null ? [entry] : [])),
    );
    const kept = Object.entries(known).filter(([entry]) => !obsolete.has(entry));
    return { ...Object.fromEntries(kept), ...added };
  }
}

/** What turns the values of users in a Secret into the wanted ones, encoded; null removes an entry. */
function changesOf(
  copied: Copied | undefined,
  known: Readonly<Record<string, string>>,
): Record<string, string | null> {
  if (!copied) return {};
  const { values, isObsolete } = copied;
  const changed = Object.entries(values).filter(([entry, value]) => known[entry] !== value);
  const removed = Object.keys(known).filter(isObsolete);
  return {
    ...encoded(Object.fromEntries(changed)),
    ...Object.fromEntries(removed.map((entry) => [entry, null])),
  };
}

/** Keeps GitOps tools from deleting the volume claims of a cluster, which have no owner reference. */
export async function markClaims(
  client: KubeClient,
  owner: Owner,
  claims: readonly Stored<PersistentVolumeClaim>[],
  signal: AbortSignal,
): Promise<void> {
  for (const { metadata } of claims) {
    const marks = metadata.deletionTimestamp === undefined && missingMarks(metadata, owner.name);
    const key = { namespace: owner.namespace, name: metadata.name };
    if (marks) await client.patch(PERSISTENT_VOLUME_CLAIM, key, { metadata: marks }, { signal });
  }
}

function lostError(
  { name: cluster, namespace }: Owner,
  { name, vital, loss }: Wanted,
  inUse: string,
  whole: boolean,
): BrokenReferenceError {
  const what = whole
    ? `Secret ${name} does not exist`
    : `Secret ${name} lacks one of its keys ${vital.join(', ')}`;
  return new BrokenReferenceError({
    reason: 'CredentialsLost',
    message: `${what}, but ${inUse} shows that its values are in use; restore the Secret from a backup, or accept new values (${loss}): kubectl annotate openimcluster ${cluster} -n ${namespace} --overwrite ${ANNOTATION.newCredentialsAt}=$(date -u +%Y-%m-%dT%H:%M:%SZ)`,
  });
}
