import { DEFAULT_ADMIN_USER } from '@im/contract';
import {
  type Applier,
  type Informer,
  type KubeObject,
  keyOf,
  SECRET,
  type Secret,
  type Stored,
} from '@im/kube';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { API_GROUP, API_VERSION, MANAGED_BY } from '../../resources/names.ts';
import { encoded } from '../../resources/secrets.ts';
import type { Refusal } from '../cluster/observation/observation.ts';
import { isElsewhere } from './identity.ts';
import { adminSecretName } from './status.ts';

/** What {@link AdminSecrets} needs. */
export interface AdminSecretsDeps {
  readonly applier: Applier;
  /** Metadata of all Secrets. */
  readonly all: Pick<Informer<KubeObject>, 'get'>;
  /** Secrets of the operator. */
  readonly own: Pick<Informer<Secret>, 'get'>;
}

/**
 * The admin user and secret of tenants in other namespaces than their clusters, where those can read them who may read
 * nothing of the cluster. They go with the resource.
 */
export class AdminSecrets {
  readonly #deps: AdminSecretsDeps;

  constructor(deps: AdminSecretsDeps) {
    this.#deps = deps;
  }

  /**
   * Keeps the Secret of a tenant up to date; does nothing for one in the namespace of its cluster.
   * @param entry with the secrets of the tenant. @returns why it cannot.
   */
  async keep(
    tenant: Stored<OpenIMTenant>,
    entry: Readonly<Record<string, unknown>> | undefined,
    signal: AbortSignal,
  ): Promise<Refusal | undefined> {
    if (!entry || !isElsewhere(tenant)) return undefined;
    const { applier, all, own } = this.#deps;
    const { namespace, name: owner, uid } = tenant.metadata;
    const name = adminSecretName(tenant);
    const key = keyOf({ namespace, name });
    const known = own.get(key);
    const isOurs = known?.metadata.ownerReferences?.some((reference) => reference.uid === uid) === true;
    if (!isOurs && all.get(key)) {
      const message = `status.adminSecretRef: Secret ${name} exists and is not of this tenant; remove it`;
      return { reason: 'SecretTaken', message };
    }
    const [adminUser = DEFAULT_ADMIN_USER] = (entry.adminUserIDs ?? []) as readonly string[];
    const secret: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: {
        name,
        namespace,
        // Not those of objects of a cluster, of which another namespace may have one with the same name.
        labels: { 'app.kubernetes.io/managed-by': MANAGED_BY, [`${API_GROUP}/tenant`]: owner.slice(0, 63) },
        ownerReferences: [{ apiVersion: API_VERSION, kind: 'OpenIMTenant', name: owner, uid }],
      },
      data: encoded({ adminUser, adminSecret: String(entry.adminSecret ?? '') }),
    };
    await applier.apply(SECRET, secret, known, { signal });
    return undefined;
  }
}
