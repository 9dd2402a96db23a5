export { createGroup, type VerifyOptions, verify } from './verify.ts';
export { type CrowdPlace, type DeviceSpec, openWireCrowd, type WireCrowd } from './wire-crowd.ts';
