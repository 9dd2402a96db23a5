import { randomBytes } from 'node:crypto';
import { isApiError, type KubeClient, type ObjectKey, SECRET, type Secret } from '@im/kube';
import { tenantKeys } from '../../resources/config.ts';
import type { EffectiveSpec } from '../../resources/effective.ts';
import { labelsOf, nameOf, type Owner } from '../../resources/names.ts';
import { decoded, encoded } from '../../resources/secrets.ts';
import type { Refusal } from './observation.ts';

/**
 * Secrets that are generated once and then kept: a cluster that is created again must have the passwords that its
 * retained volumes were initialized with. They have no owner reference, because they must outlive the cluster as long
 * as its volumes do.
 */
export class GeneratedSecrets {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Passwords of managed stores, and the key of the cluster; `make` generates missing ones. */
  credentials(
    owner: Owner,
    make: () => Record<string, string>,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    return this.#ensure(owner, nameOf.credentials(owner.name), make, signal);
  }

  /** Writes entries of the same Secret; an empty value removes the entry. */
  async keep(owner: Owner, changes: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    if (Object.keys(changes).length === 0) return;
    const key: ObjectKey = { namespace: owner.namespace, name: nameOf.credentials(owner.name) };
    const data = Object.fromEntries(
      Object.entries(encoded(changes)).map(([entry, value]) => [entry, value === '' ? null : value]),
    );
    await this.#client.patch(SECRET, key, { data }, { signal });
  }

  /** Keys of all tenants in `ids`. */
  tenants(owner: Owner, ids: readonly string[], signal: AbortSignal): Promise<Record<string, string>> {
    const make = () =>
      Object.fromEntries(
        ids.flatMap((id) => {
          const keys = tenantKeys(id);
          return [
            [keys.token, randomBytes(32).toString('hex')],
            [keys.admin, randomBytes(18).toString('hex')],
          ];
        }),
      );
    return this.#ensure(owner, nameOf.tenants(owner.name), make, signal);
  }

  async #ensure(
    owner: Owner,
    name: string,
    make: () => Record<string, string>,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    const key: ObjectKey = { namespace: owner.namespace, name };
    // Read from the API server: with a stale copy a second password would be generated.
    const found = await this.#client.get(SECRET, key, { signal });
    const known = decoded(found?.data);
    const missing = Object.fromEntries(
      Object.entries(make()).filter(([entry]) => known[entry] === undefined),
    );
    if (found && Object.keys(missing).length === 0) return known;
    const secret: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: {
        ...key,
        labels: labelsOf(owner.name),
        ...(found ? { resourceVersion: found.metadata.resourceVersion } : {}),
      },
      data: encoded({ ...known, ...missing }),
    };
    try {
      if (found) await this.#client.replace(SECRET, secret, { signal });
      else await this.#client.create(SECRET, secret, { signal });
    } catch (error) {
      // Another writer was faster; its values count.
      if (!isApiError(error, 409)) throw error;
      return this.#ensure(owner, name, make, signal);
    }
    return { ...known, ...missing };
  }
}

/** Credentials of external stores, as the Secrets hold them. */
export interface ExternalValues {
  readonly nats?: { readonly user: string; readonly password: string };
  readonly mongodbUri?: string;
  readonly redisUri?: string;
  readonly s3?: { readonly accessKey: string; readonly secretKey: string };
}

/** A field of the spec refers to a missing or unusable Secret; the cluster is not changed until it is corrected. */
export class BrokenReferenceError extends Error {
  override readonly name = 'BrokenReferenceError';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** How long a Secret is cached, so that consecutive reconciles read it once, ms. */
const CACHED_MS = 5_000;

/** Reads Secrets of users. */
export class SecretReader {
  readonly #client: KubeClient;
  readonly #known = new Map<
    string,
    { readonly data: Record<string, string> | undefined; readonly until: number }
  >();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /**
   * All values that the spec refers to.
   * @throws BrokenReferenceError that names field, Secret and key.
   */
  async externalValues(
    namespace: string,
    effective: EffectiveSpec,
    signal: AbortSignal,
  ): Promise<ExternalValues> {
    const { nats, mongodb, redis, objectStorage } = effective;
    const value = async (field: string, name: string, key: string): Promise<string> => {
      const data = await this.#read(namespace, name, signal);
      if (data === undefined) {
        throw new BrokenReferenceError({
          reason: 'SecretMissing',
          message: `${field}: Secret ${name} does not exist in namespace ${namespace}; create it, or correct the name`,
        });
      }
      const found = data[key];
      if (found === undefined || found === '') {
        const keys = Object.keys(data).sort().join(', ') || 'none';
        throw new BrokenReferenceError({
          reason: 'SecretKeyMissing',
          message: `${field}: Secret ${name} has no key ${key} (its keys: ${keys}); add the key, or refer to another one`,
        });
      }
      return found;
    };
    const values: {
      -readonly [K in keyof ExternalValues]: ExternalValues[K];
    } = {};
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
      values.redisUri = checked(field, name, key, await value(field, name, key), /^rediss?:\/\//, 'redis://');
    }
    if (objectStorage.kind === 'external') {
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
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Record<string, string> | undefined> {
    const id = `${namespace}/${name}`;
    const known = this.#known.get(id);
    if (known && known.until > performance.now()) return known.data;
    const secret = await this.#client.get(SECRET, { namespace, name }, { signal });
    const data = secret && decoded(secret.data);
    this.#known.set(id, { data, until: performance.now() + CACHED_MS });
    return data;
  }
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
