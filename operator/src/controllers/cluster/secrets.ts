import { eachLimited } from '@im/kit';
import {
  CONFIG_MAP,
  type Informer,
  type KubeClient,
  type KubeObject,
  keyOf,
  type ObjectKey,
  parseKey,
  SECRET,
  type Stored,
} from '@im/kube';
import { credentialKey, OF_CLUSTER } from '../../resources/config.ts';
import { servedConsole } from '../../resources/console-address.ts';
import type { EffectiveSpec } from '../../resources/effective.ts';
import type { KeyRef } from '../../resources/effective-stores.ts';
import { secretReferencesIn } from '../../resources/secret-references.ts';
import { decoded } from '../../resources/secrets.ts';
import { type FoundSecret, resolveSection } from '../tenant/credentials.ts';
import { type BrokenReason, BrokenReferenceError } from './broken-reference.ts';
import { type StoreCertificates, storeCertificates } from './stores/store-certificates.ts';

/** Credentials of external stores, as the Secrets hold them. */
export interface ExternalValues {
  readonly nats?: { readonly user: string; readonly password: string };
  readonly mongodbUri?: string;
  readonly redisUri?: string;
  readonly s3?: { readonly accessKey: string; readonly secretKey: string };
  readonly tls: StoreCertificates;
  /** What `spec.offlinePush`, `spec.tracing` and `spec.console` refer to, by key of the Secret of tenants. */
  readonly sections: Readonly<Record<string, string>>;
}

/** Secrets that are read at the same time. */
const PARALLEL = 8;

/** The contents of an object in one version. */
interface ReadObject {
  readonly resourceVersion: string;
  readonly data: Record<string, string>;
}

/**
 * Reads Secrets and ConfigMaps of users. Their metadata is watched, so that an object is read once after each change.
 * What a cluster does not refer to any more is forgotten.
 */
export class SecretReader {
  readonly #client: KubeClient;
  readonly #metadata: Readonly<Record<KeyRef['kind'], Informer<KubeObject>>>;
  readonly #own: Pick<Informer<KubeObject>, 'get'>;
  /** By key of the cluster, then by kind and name; undefined for an object that does not exist. */
  readonly #known = new Map<string, Map<string, ReadObject | undefined>>();
  /** The same of the Secrets that tenants refer to, by their keys. */
  readonly #ofTenants = new Map<string, Map<string, ReadObject | undefined>>();

  /**
   * @param metadata all such objects of the namespaces with clusters, without their contents.
   * @param own Secrets of the operator.
   */
  constructor(
    client: KubeClient,
    metadata: Readonly<Record<KeyRef['kind'], Informer<KubeObject>>>,
    own: Pick<Informer<KubeObject>, 'get'>,
  ) {
    this.#client = client;
    this.#metadata = metadata;
    this.#own = own;
  }

  /** Keys of the clusters that refer to an object. */
  readersOf(kind: KeyRef['kind'], { metadata }: Stored<KubeObject>): string[] {
    const id = idOf(kind, metadata.name);
    const readers = [...this.#known].flatMap(([cluster, objects]) =>
      parseKey(cluster).namespace === metadata.namespace && objects.has(id) ? [cluster] : [],
    );
    const ofTenants = [...this.#ofTenants].flatMap(([cluster, objects]) =>
      kind === 'Secret' && objects.has(keyOf({ metadata })) ? [cluster] : [],
    );
    return [...new Set([...readers, ...ofTenants])];
  }

  /** Drops what is kept about a deleted cluster. */
  forget(cluster: string): void {
    this.#known.delete(cluster);
    this.#ofTenants.delete(cluster);
  }

  /**
   * Reads the Secrets that the tenants of a cluster refer to, by `namespace/name`. One that a cluster of the namespace uses itself is `cluster`:
   * those who may create tenants could otherwise send its credentials to an address of their choice.
   */
  async ofTenants(
    cluster: string,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FoundSecret>> {
    const before = this.#ofTenants.get(cluster);
    const used = new Map<string, ReadObject | undefined>();
    const found = new Map<string, FoundSecret>();
    await eachLimited(keys, PARALLEL, async (key) => {
      const { namespace = '', name } = parseKey(key);
      if (this.#isOfCluster({ namespace, name })) {
        used.set(key, undefined);
        found.set(key, 'cluster');
        return;
      }
      const secret = await this.#read('Secret', { namespace, name }, before?.get(key), signal);
      used.set(key, secret);
      found.set(key, secret?.data);
    });
    this.#ofTenants.set(cluster, used);
    return found;
  }

  #isOfCluster(key: ObjectKey & { readonly namespace: string }): boolean {
    if (this.#own.get(keyOf(key))) return true;
    return [...this.#known].some(
      ([cluster, objects]) =>
        parseKey(cluster).namespace === key.namespace && objects.has(idOf('Secret', key.name)),
    );
  }

  /**
   * All values that the spec refers to.
   * @param cluster its key.
   * @throws BrokenReferenceError that names field, object and key.
   */
  async externalValues(
    cluster: string,
    effective: EffectiveSpec,
    signal: AbortSignal,
  ): Promise<ExternalValues> {
    const { namespace = '' } = parseKey(cluster);
    const { nats, mongodb, redis, objectStorage } = effective;
    const before = this.#known.get(cluster);
    const used = new Map<string, ReadObject | undefined>();
    this.#known.set(cluster, used);
    const readValue = async (field: string, { kind, name, key }: KeyRef): Promise<string> => {
      const id = idOf(kind, name);
      if (!used.has(id)) {
        used.set(id, before?.get(id));
        used.set(id, await this.#read(kind, { namespace, name }, before?.get(id), signal));
      }
      const data = used.get(id)?.data;
      if (data === undefined) {
        throw new BrokenReferenceError({
          reason: `${kind}Missing` satisfies BrokenReason,
          message: `${field}: ${kind} ${name} does not exist in namespace ${namespace}; create it, or correct the name`,
        });
      }
      const found = data[key];
      if (found === undefined || found === '') {
        const keys = Object.keys(data).sort().join(', ') || 'none';
        throw new BrokenReferenceError({
          reason: `${kind}KeyMissing` satisfies BrokenReason,
          message: `${field}: ${kind} ${name} has no key ${key} (its keys: ${keys}); add the key, or refer to another one`,
        });
      }
      return found;
    };
    const value = (field: string, name: string, key: string) =>
      readValue(field, { kind: 'Secret', name, key });
    const values: {
      -readonly [K in keyof ExternalValues]: ExternalValues[K];
    } = {
      tls: await storeCertificates(effective, readValue),
      sections: {
        ...(await offlinePushValues(effective, readValue)),
        ...(await valuesOfSection('tracing', effective.tracing, readValue)),
        ...(await valuesOfSection(
          'console',
          effective.console && servedConsole(effective.console),
          readValue,
        )),
      },
    };
    if (nats.kind === 'external' && nats.credentialsSecretRef) {
      const field = 'spec.nats.external.credentialsSecretRef';
      const { name, userKey, passwordKey } = nats.credentialsSecretRef;
      values.nats = {
        user: await value(field, name, userKey),
        password: await value(field, name, passwordKey),
      };
    }
    if (mongodb.kind === 'external') {
      const field = 'spec.mongodb.external.uriSecretRef';
      const { name, key } = mongodb.uriSecretRef;
      values.mongodbUri = checked(
        field,
        name,
        key,
        await value(field, name, key),
        /^mongodb(\+srv)?:\/\//,
        'mongodb://',
      );
    }
    if (redis.kind === 'external') {
      const field = 'spec.redis.external.uriSecretRef';
      const { name, key } = redis.uriSecretRef;
      const [pattern, start]: [RegExp, string] = redis.tls
        ? [/^rediss:\/\//, 'rediss://, which spec.redis.external.tls needs']
        : [/^rediss?:\/\//, 'redis://'];
      values.redisUri = checked(field, name, key, await value(field, name, key), pattern, start);
    }
    if (objectStorage.kind === 'external' && objectStorage.credentialsSecretRef) {
      const field = 'spec.objectStorage.external.credentialsSecretRef';
      const { name, userKey, passwordKey } = objectStorage.credentialsSecretRef;
      values.s3 = {
        accessKey: await value(field, name, userKey),
        secretKey: await value(field, name, passwordKey),
      };
    }
    return values;
  }

  async #read(
    kind: KeyRef['kind'],
    key: ObjectKey,
    known: ReadObject | undefined,
    signal: AbortSignal,
  ): Promise<ReadObject | undefined> {
    const watched = this.#metadata[kind].get(keyOf(key));
    if (!watched) return undefined;
    if (known?.resourceVersion === watched.metadata.resourceVersion) return known;
    if (kind === 'ConfigMap') {
      const found = await this.#client.get(CONFIG_MAP, key, { signal });
      return found && { resourceVersion: found.metadata.resourceVersion, data: { ...found.data } };
    }
    const secret = await this.#client.get(SECRET, key, { signal });
    return secret && { resourceVersion: secret.metadata.resourceVersion, data: decoded(secret.data) };
  }
}

/** @throws BrokenReferenceError */
async function offlinePushValues(
  { offlinePush }: EffectiveSpec,
  readValue: (field: string, ref: KeyRef) => Promise<string>,
): Promise<ExternalValues['sections']> {
  if (!offlinePush) return {};
  const secrets = new Map<string, Record<string, string>>();
  for (const { field, name, key } of secretReferencesIn(offlinePush)) {
    const value = await readValue(`spec.offlinePush.${field}`, { kind: 'Secret', name, key });
    secrets.set(name, { ...secrets.get(name), [key]: value });
  }
  const section = resolveSection(OF_CLUSTER, 'offlinePush', offlinePush, (name) => secrets.get(name));
  if (!('refusal' in section)) return section.secrets;
  throw new BrokenReferenceError({ reason: 'SecretInvalid', message: section.refusal.message });
}

/** @throws BrokenReferenceError */
async function valuesOfSection(
  section: 'tracing' | 'console',
  given: object | undefined,
  readValue: (field: string, ref: KeyRef) => Promise<string>,
): Promise<ExternalValues['sections']> {
  const values: Record<string, string> = {};
  // One after the other: a Secret is read once, however many refer to it.
  for (const { field, setting, name, key } of secretReferencesIn(given ?? {})) {
    const value = await readValue(`spec.${section}.${field}`, { kind: 'Secret', name, key });
    values[credentialKey(OF_CLUSTER, `${section}.${setting}`)] = value;
  }
  return values;
}

function idOf(kind: KeyRef['kind'], name: string): string {
  return `${kind}/${name}`;
}

function checked(
  field: string,
  name: string,
  key: string,
  text: string,
  pattern: RegExp,
  start: string,
): string {
  if (pattern.test(text.trim())) return text.trim();
  throw new BrokenReferenceError({
    reason: 'SecretInvalid',
    message: `${field}: the value of key ${key} in Secret ${name} is not a connection string starting with ${start}; correct it`,
  });
}
