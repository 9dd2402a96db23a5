export { BACKEND_PORTS, MINIMUM_VERSIONS } from './backends.ts';
export { DEFAULT_CONFIG, ServerConfig, type ServerConfigInput } from './config.ts';
export { ConfigError, checkConfig, faultsOfEntry, parseConfig, unusable } from './config-check.ts';
export { type ConfigField, configFields, type SettingField, tenantFields } from './config-fields.ts';
export { configHash, EVERY_ROLE, restartHash } from './config-hash.ts';
export { configReference } from './config-reference.ts';
export { ROLE_SETTINGS } from './gen/role-settings.ts';
export { isLiveSetting, LIVE_SETTINGS, settingsOf } from './live-settings.ts';
export { LOG_LEVELS, type LogLevel } from './log-level.ts';
export { LOG_SHARE, PARTITIONS, STREAM } from './message-log.ts';
export { DEFAULT_PORTS } from './ports.ts';
export type {
  CallerProof,
  GatewayStatus,
  ProcessStatus,
  StatusParts,
  TransferStatus,
} from './process-status.ts';
export { runtimeFlags } from './runtime-flags.ts';
export type { ConfigOf, SettingName } from './setting-name.ts';
export { SETTINGS_LEVEL } from './settings-level.ts';
export {
  DEFAULT_TENANT,
  isTenantId,
  splitTenantPrefix,
  type TenantId,
  tenantId,
  tenantPath,
  tenantURL,
} from './tenant.ts';
export { type InvalidTenant, keepLastValid, Unresolved } from './tenant-entries.ts';
export {
  DEFAULT_ADMIN_USER,
  MultiLogin,
  TenantSettings,
  type TenantSettingsInput,
  tenantSettings,
} from './tenant-settings.ts';
