export { NoAccessToken } from './access-token.ts';
export { type Addressed, addressDevices, type RegisteredToken } from './address.ts';
export type { HttpSend } from './http.ts';
export {
  type AddressKind,
  allOf,
  type Device,
  type Notification,
  type Outcome,
  type PushProvider,
} from './push-provider.ts';
export {
  type AliasProvider,
  createProviders,
  type ProviderDeps,
  type ProviderSet,
} from './push-providers.ts';
export { isPushKind, type ParsedToken, parseToken, tokenFault, tokenText } from './push-token.ts';
