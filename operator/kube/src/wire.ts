import type * as k8s from '@kubernetes/client-node';

/**
 * An object as JSON. The generated models of the client package describe the output of its deserializer: dates as
 * `Date`, and reserved words with an underscore (`_from`). Here requests and answers are plain JSON, so dates are
 * RFC 3339 strings and `from` is `from`.
 */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer E)[]
    ? Wire<E>[]
    : T extends object
      ? { [K in keyof T as K extends `_${infer Name}` ? Name : K]: Wire<T[K]> }
      : T;

export type ObjectMeta = Wire<k8s.V1ObjectMeta>;
export type OwnerReference = Wire<k8s.V1OwnerReference>;
export type Condition = Wire<k8s.V1Condition>;

export type Pod = Wire<k8s.V1Pod>;
export type PodTemplate = Wire<k8s.V1PodTemplateSpec>;
export type PodSpec = Wire<k8s.V1PodSpec>;
export type PodSecurityContext = Wire<k8s.V1PodSecurityContext>;
export type Container = Wire<k8s.V1Container>;
export type ContainerSecurityContext = Wire<k8s.V1SecurityContext>;
export type ResourceRequirements = Wire<k8s.V1ResourceRequirements>;
export type Affinity = Wire<k8s.V1Affinity>;
export type Toleration = Wire<k8s.V1Toleration>;
export type TopologySpreadConstraint = Wire<k8s.V1TopologySpreadConstraint>;

export type Service = Wire<k8s.V1Service>;
export type ConfigMap = Wire<k8s.V1ConfigMap>;
export type Secret = Wire<k8s.V1Secret>;
export type ServiceAccount = Wire<k8s.V1ServiceAccount>;
export type PersistentVolumeClaim = Wire<k8s.V1PersistentVolumeClaim>;
export type Deployment = Wire<k8s.V1Deployment>;
export type StatefulSet = Wire<k8s.V1StatefulSet>;
export type ReplicaSet = Wire<k8s.V1ReplicaSet>;
export type ControllerRevision = Wire<k8s.V1ControllerRevision>;
export type PodDisruptionBudget = Wire<k8s.V1PodDisruptionBudget>;
export type NetworkPolicy = Wire<k8s.V1NetworkPolicy>;
export type Ingress = Wire<k8s.V1Ingress>;
export type Lease = Wire<k8s.V1Lease>;
export type CoreEvent = Wire<k8s.CoreV1Event>;
export type Role = Wire<k8s.V1Role>;
export type RoleBinding = Wire<k8s.V1RoleBinding>;
export type EndpointSlice = Wire<k8s.V1EndpointSlice>;
export type Namespace = Wire<k8s.V1Namespace>;
export type Node = Wire<k8s.V1Node>;
export type CustomResourceDefinition = Wire<k8s.V1CustomResourceDefinition>;
