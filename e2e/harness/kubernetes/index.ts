export type { ApiCredentials } from './control-plane/api-request.ts';
export type { Subject } from './control-plane/certificate-authority.ts';
export {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from './control-plane/control-plane.ts';
