import { randomBytes } from 'node:crypto';
import { isApiError, type KubeClient, type ObjectKey, SECRET, type Secret } from '@im/kube';
import { tenantKeys } from '../../resources/config.ts';
import { labelsOf, nameOf, type Owner } from '../../resources/names.ts';
import { decoded, encoded } from './secret-data.ts';

/**
 * Secrets that are made up once and then kept: a second start must find the passwords of the first
 * in its volumes. They have no owner, because they must outlive the cluster as long as its volumes do.
 */
export class GeneratedSecrets {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Passwords of managed stores, and the key of the cluster; those that are missing are added by `make`. */
  credentials(
    owner: Owner,
    make: () => Record<string, string>,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    return this.#ensure(owner, nameOf.credentials(owner.name), make, signal);
  }

  /** Writes entries beside the passwords; an empty one is removed. */
  async keep(owner: Owner, changes: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    if (Object.keys(changes).length === 0) return;
    const key: ObjectKey = { namespace: owner.namespace, name: nameOf.credentials(owner.name) };
    const data = Object.fromEntries(
      Object.entries(encoded(changes)).map(([entry, value]) => [entry, value === '' ? null : value]),
    );
    await this.#client.patch(SECRET, key, { data }, { signal });
  }

  /** Keys of every tenant in `ids`. */
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
    // Read from the API server: a copy that is too old would make up a second password.
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
      // Somebody else was faster; what he made counts.
      if (!isApiError(error, 409)) throw error;
      return this.#ensure(owner, name, make, signal);
    }
    return { ...known, ...missing };
  }
}
