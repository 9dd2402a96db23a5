import { type KubeClient, SECRET } from '@im/kube';
import type { EffectiveSpec } from '../../resources/effective.ts';
import { decoded } from './secret-data.ts';
import type { Refusal } from './status-input.ts';

/** Values of stores that somebody else runs, as their Secrets hold them. */
export interface ExternalValues {
  readonly nats?: { readonly user: string; readonly password: string };
  readonly mongodbUri?: string;
  readonly redisUri?: string;
  readonly s3?: { readonly accessKey: string; readonly secretKey: string };
}

/** A reference of the spec that leads nowhere; nothing of the cluster is changed until it is mended. */
export class BrokenReferenceError extends Error {
  override readonly name = 'BrokenReferenceError';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

/** How long a Secret that was read is believed, so that reconciles in a row ask once. */
const BELIEVED_MS = 5_000;

/** Reads Secrets that people made. */
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
   * Every value that the spec refers to.
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
          message: `${field}: there is no Secret ${name} in namespace ${namespace}; create it, or correct the name`,
        });
      }
      const found = data[key];
      if (found === undefined || found === '') {
        const keys = Object.keys(data).sort().join(', ') || 'none';
        throw new BrokenReferenceError({
          reason: 'SecretKeyMissing',
          message: `${field}: Secret ${name} has no key ${key} (its keys: ${keys}); add it, or name another key`,
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
    this.#known.set(id, { data, until: performance.now() + BELIEVED_MS });
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
    message: `${field}: key ${key} of Secret ${name} is not a connection string that begins with ${start}; correct it`,
  });
}
