import { DEFAULT_TENANT } from '@im/contract';
import { type Informer, type KubeObject, keyOf, parseKey, type Stored } from '@im/kube';
import type { OpenIMTenantClassSpec } from '../../gen/openimtenantclass.ts';
import type { OpenIMCluster, OpenIMTenant, OpenIMTenantClass } from '../../resources/kinds.ts';
import type { Refusal } from '../cluster/observation/observation.ts';
import { clusterKeyOf, tenantIdOf } from './identity.ts';
import { choosesNamespace } from './namespaces.ts';
import { type Classified, classified } from './tenant-class.ts';

/** What decides about tenants besides themselves. */
export interface AdmissionDeps {
  readonly clusters: Pick<Informer<OpenIMCluster>, 'get'>;
  readonly classes: Pick<Informer<OpenIMTenantClass>, 'get'>;
  /** All namespaces; none where the operator may not see them. */
  readonly namespaces: Pick<Informer<KubeObject>, 'get'>;
}

/** What a cluster makes of a tenant. */
export interface Admitted {
  /** Why the tenant may not use the cluster at all: it is not served. */
  readonly denied?: Refusal;
  /** Why its settings are not applied; earlier ones stay in force. */
  readonly refusal?: Refusal;
  /** The tenant as its class has it. */
  readonly tenant: Stored<OpenIMTenant>;
  /** Its class; undefined without one. */
  readonly class?: ClassInForce;
}

/** The class of a tenant. */
export interface ClassInForce {
  readonly name: string;
  readonly spec: OpenIMTenantClassSpec;
  /** Settings above a ceiling, which applies instead. */
  readonly clamped: readonly string[];
}

interface Remembered {
  /** Name, uid and version of the class. */
  readonly class: string;
  readonly classified: Classified;
  readonly tenant: Stored<OpenIMTenant>;
}

/** Decides which tenants may use a cluster, and with which settings: the words of those who run the cluster. */
export class TenantAdmission {
  readonly #deps: AdmissionDeps;
  readonly #known = new WeakMap<Stored<OpenIMTenant>, Remembered>();

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  /**
   * What the cluster of a tenant makes of it. The same tenant in the same class gives the same object, so that others can
   * remember what they made of it.
   * @param isInForce whether the spec was in force already: then a ceiling that was lowered applies in place of a refusal.
   */
  admit(tenant: Stored<OpenIMTenant>, isInForce: boolean): Admitted {
    const cluster = clusterKeyOf(tenant);
    const { namespace: own = '', name } = parseKey(cluster);
    const { namespace = '' } = tenant.metadata;
    const {
      namespaces = {},
      classes,
      defaultClass,
    } = this.#deps.clusters.get(cluster)?.spec.allowedTenants ?? {};
    if (namespace !== own) {
      if (!choosesNamespace(namespaces, own, namespace, this.#labelsOf)) {
        const message = `spec.clusterRef: OpenIMCluster ${name} of namespace ${own} does not allow tenants of namespace ${namespace}; those who run it allow them by spec.allowedTenants.namespaces`;
        return { tenant, denied: { reason: 'NamespaceNotAllowed', message } };
      }
      if (tenantIdOf(tenant) === DEFAULT_TENANT) {
        const message = `spec.tenantID: ${DEFAULT_TENANT} is the tenant at the root of the cluster, which only namespace ${own} may change; choose another ID`;
        return { tenant, denied: { reason: 'TenantIDTaken', message } };
      }
    }
    const { name: chosen = defaultClass } = tenant.spec.classRef ?? {};
    if (chosen === undefined) return { tenant };
    const refused = (reason: string, message: string): Admitted => ({ tenant, refusal: { reason, message } });
    const field = tenant.spec.classRef ? 'spec.classRef' : `spec.classRef: the default class`;
    if (tenant.spec.classRef && classes && !classes.includes(chosen) && chosen !== defaultClass)
      return refused(
        'ClassNotAllowed',
        `${field}: OpenIMCluster ${name} does not allow class ${chosen}; choose one of ${classes.join(', ')}`,
      );
    const found = this.#deps.classes.get(keyOf({ namespace: own, name: chosen }));
    if (!found)
      return refused(
        'ClassMissing',
        `${field}: OpenIMTenantClass ${chosen} does not exist in namespace ${own}; create it, or choose another one`,
      );
    const { from = 'All', ...rest } = found.spec.namespaces ?? {};
    if (!choosesNamespace({ from, ...rest }, own, namespace, this.#labelsOf))
      return refused(
        'ClassNotAllowed',
        `${field}: class ${chosen} is not for namespace ${namespace}; choose another one, or have its spec.namespaces changed`,
      );
    const known = this.#classified(tenant, chosen, found);
    const { faults, clamped } = known.classified;
    const inForce: ClassInForce = { name: chosen, spec: found.spec, clamped };
    const rejected = isInForce ? faults.filter((fault) => !clamped.includes(fault)) : faults;
    return {
      tenant: known.tenant,
      class: inForce,
      ...(rejected.length > 0 && { refusal: { reason: 'ExceedsClass', message: rejected.join('; ') } }),
    };
  }

  readonly #labelsOf = (namespace: string) => {
    const found = this.#deps.namespaces.get(keyOf({ name: namespace }));
    return found && (found.metadata.labels ?? {});
  };

  #classified(
    tenant: Stored<OpenIMTenant>,
    name: string,
    { metadata, spec }: Stored<OpenIMTenantClass>,
  ): Remembered {
    const version = `${name} ${metadata.uid} ${metadata.resourceVersion}`;
    const known = this.#known.get(tenant);
    if (known?.class === version) return known;
    const next = classified(tenant.spec, name, spec);
    const remembered = { class: version, classified: next, tenant: { ...tenant, spec: next.spec } };
    this.#known.set(tenant, remembered);
    return remembered;
  }
}
