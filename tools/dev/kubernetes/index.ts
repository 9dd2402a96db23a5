export { chooseDriver, type DriverName } from './choose-driver.ts';
export { type ClusterOptions, openCluster, type UsedCluster, useCluster } from './cluster.ts';
export type { KubernetesCluster } from './cluster-driver.ts';
export type { ApiCredentials } from './control-plane/api-request.ts';
export {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
  WORKLOAD_CONTROLLERS,
} from './control-plane/control-plane.ts';
export { eventually } from './eventually.ts';
export { type ImageEntry, type ImageSpec, NON_ROOT, type WrittenImage, writeImage } from './image/image.ts';
export { buildProductImage, PRODUCT_IMAGE, type ProductImageOptions } from './image/product-image.ts';
export { sharedLibrariesOf } from './image/shared-libraries.ts';
export { installProgram } from './install/go-build.ts';
export { type Program, type ProgramName, programIn, programOf } from './install/programs.ts';
export { SECOND_NODE_TAINT, type SecondNode, startSecondNode } from './local/second-node.ts';
export {
  loadStoreImages,
  type StoreImages,
  type StoreName,
  storeImageNames,
} from './store-images/store-images.ts';
