export {
  type ClusterOptions,
  chooseDriver,
  type DriverName,
  type KubernetesCluster,
  openCluster,
  type UsedCluster,
  useCluster,
} from './cluster.ts';
export type { ApiCredentials } from './control-plane/api-request.ts';
export type { Subject } from './control-plane/certificate-authority.ts';
export {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from './control-plane/control-plane.ts';
export { type ImageEntry, type ImageSpec, NON_ROOT, type WrittenImage, writeImage } from './image/image.ts';
export { sharedLibrariesOf } from './image/shared-libraries.ts';
