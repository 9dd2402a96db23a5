import { type ObjectMeta, resourceType } from '@im/kube';
import type { OpenIMClusterSpec, OpenIMClusterStatus } from '../gen/openimcluster.ts';
import type { OpenIMTenantSpec, OpenIMTenantStatus } from '../gen/openimtenant.ts';
import type { OpenIMTenantClassSpec } from '../gen/openimtenantclass.ts';
import { API_VERSION } from './names.ts';

/** An OpenIMCluster as the API server returns it. */
export interface OpenIMCluster {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
  readonly spec: OpenIMClusterSpec;
  readonly status?: OpenIMClusterStatus;
}

export const OPENIM_CLUSTER = resourceType<OpenIMCluster>(API_VERSION, 'OpenIMCluster', 'openimclusters');

/** An OpenIMTenant as the API server returns it. */
export interface OpenIMTenant {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
  readonly spec: OpenIMTenantSpec;
  readonly status?: OpenIMTenantStatus;
}

export const OPENIM_TENANT = resourceType<OpenIMTenant>(API_VERSION, 'OpenIMTenant', 'openimtenants');

/** An OpenIMTenantClass as the API server returns it. */
export interface OpenIMTenantClass {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
  readonly spec: OpenIMTenantClassSpec;
}

export const OPENIM_TENANT_CLASS = resourceType<OpenIMTenantClass>(
  API_VERSION,
  'OpenIMTenantClass',
  'openimtenantclasses',
);
