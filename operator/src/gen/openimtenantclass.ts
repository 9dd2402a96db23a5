// Made from crds/openimtenantclasses.openim.io.yaml by operator/scripts/crd-types.ts.

/** A condition. */
export interface OpenIMTenantClassNamespacesSelectorMatchExpression {
  /** Name of the label. */
  readonly key: string;
  /** How the label is compared. */
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** Values for In and NotIn. */
  readonly values?: readonly string[];
}

/** Labels of the namespaces with from: Selector; an empty selector matches all. */
export interface OpenIMTenantClassNamespacesSelector {
  /** Labels with these values. */
  readonly matchLabels?: Readonly<Record<string, string>>;
  /** Conditions on labels, all of which must hold. */
  readonly matchExpressions?: readonly OpenIMTenantClassNamespacesSelectorMatchExpression[];
}

/** Namespaces whose tenants may choose this class. Default: those that the cluster allows. */
export interface OpenIMTenantClassNamespaces {
  /** Same: the namespace of the class; All: every namespace that the cluster allows; Selector: that of the class, and those with the labels of selector. Default: All. */
  readonly from?: 'Same' | 'All' | 'Selector';
  /** Labels of the namespaces with from: Selector; an empty selector matches all. */
  readonly selector?: OpenIMTenantClassNamespacesSelector;
}

/** Ceilings of spec.quotas. They also are the quotas of tenants that name none and for which there is no default. */
export interface OpenIMTenantClassCeilingsQuotas {
  /** Registered users. */
  readonly users?: number;
  /** Concurrent connections. */
  readonly connections?: number;
  /** New connections per second and gateway. */
  readonly handshakesPerSecond?: number;
  /** Messages per second and pod. */
  readonly messagesPerSecond?: number;
  /** HTTP requests per second and api process. */
  readonly requestsPerSecond?: number;
  /** Members of a group. */
  readonly groupSize?: number;
  /** Groups per user. */
  readonly groupsPerUser?: number;
  /** Bytes of stored objects, including uploads in progress. */
  readonly storageBytes?: number;
  /** Maximum bytes of one object. */
  readonly objectBytes?: number;
  /** Retention of messages in days. */
  readonly retentionDays?: number;
}

/** Most that a tenant may have. A tenant that asks for more is refused; one that has more when a ceiling is lowered gets the ceiling, and says so in its condition WithinClass. */
export interface OpenIMTenantClassCeilings {
  /** Ceilings of spec.quotas. They also are the quotas of tenants that name none and for which there is no default. */
  readonly quotas?: OpenIMTenantClassCeilingsQuotas;
  /** Ceiling of spec.tokenPolicy.expireDays. */
  readonly tokenExpireDays?: number;
}

/** Quotas; 0 is no limit, up to the ceiling. */
export interface OpenIMTenantClassDefaultsQuotas {
  /** Registered users. */
  readonly users?: number;
  /** Concurrent connections. */
  readonly connections?: number;
  /** New connections per second and gateway. */
  readonly handshakesPerSecond?: number;
  /** Messages per second and pod. */
  readonly messagesPerSecond?: number;
  /** HTTP requests per second and api process. */
  readonly requestsPerSecond?: number;
  /** Members of a group. */
  readonly groupSize?: number;
  /** Groups per user. */
  readonly groupsPerUser?: number;
  /** Bytes of stored objects, including uploads in progress. */
  readonly storageBytes?: number;
  /** Maximum bytes of one object. */
  readonly objectBytes?: number;
  /** Retention of messages in days. */
  readonly retentionDays?: number;
}

/** What tenants have that name nothing else. */
export interface OpenIMTenantClassDefaults {
  /** Quotas; 0 is no limit, up to the ceiling. */
  readonly quotas?: OpenIMTenantClassDefaultsQuotas;
  /** spec.tokenPolicy.expireDays. */
  readonly tokenExpireDays?: number;
  /** spec.deletionPolicy. */
  readonly deletionPolicy?: 'Retain' | 'Purge';
  /** spec.purgeAfterHours. */
  readonly purgeAfterHours?: number;
}

/** What tenants may use at all. An absent field allows it. */
export interface OpenIMTenantClassAllowed {
  /** spec.webhooks. */
  readonly webhooks?: boolean;
  /** spec.push. */
  readonly push?: boolean;
  /** spec.mail. */
  readonly mail?: boolean;
  /** spec.verification. */
  readonly verification?: boolean;
  /** spec.healthReport. */
  readonly healthReport?: boolean;
  /** spec.placement: Dedicated. */
  readonly dedicated?: boolean;
  /** spec.userLimits. */
  readonly userLimits?: boolean;
  /** Values of spec.deletionPolicy. */
  readonly deletionPolicies?: readonly ('Retain' | 'Purge')[];
  /** Host names of spec.hosts; *.example.org allows all below example.org. An empty list allows none. */
  readonly hosts?: readonly string[];
}

/** What tenants of this class may have, and get when they ask for nothing. */
export interface OpenIMTenantClassSpec {
  /** Namespaces whose tenants may choose this class. Default: those that the cluster allows. */
  readonly namespaces?: OpenIMTenantClassNamespaces;
  /** Most that a tenant may have. A tenant that asks for more is refused; one that has more when a ceiling is lowered gets the ceiling, and says so in its condition WithinClass. */
  readonly ceilings?: OpenIMTenantClassCeilings;
  /** What tenants have that name nothing else. */
  readonly defaults?: OpenIMTenantClassDefaults;
  /** What tenants may use at all. An absent field allows it. */
  readonly allowed?: OpenIMTenantClassAllowed;
}
