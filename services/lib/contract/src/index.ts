export { ServerConfig, type ServerConfigInput } from './config.ts';
export { ConfigError, checkConfig, faultsOfEntry, parseConfig, unusable } from './config-check.ts';
export { type ConfigField, configFields, type SettingField, tenantFields } from './config-fields.ts';
export { configHash, ROLE_SETTINGS, restartHash } from './config-hash.ts';
export { configReference } from './config-reference.ts';
export { isLiveSetting, LIVE_SETTINGS, settingsOf } from './live-settings.ts';
export { LOG_LEVELS, type LogLevel } from './log-level.ts';
export { DEFAULT_PORTS } from './ports.ts';
export type {
  CallerProof,
  GatewayStatus,
  ProcessStatus,
  StatusParts,
  TransferStatus,
} from './process-status.ts';
export { runtimeFlags } from './runtime-flags.ts';
export { SETTINGS_LEVEL } from './settings-level.ts';
export { DEFAULT_TENANT, isTenantId, type TenantId, tenantId } from './tenant.ts';
export { type InvalidTenant, keepLastValid, Unresolved } from './tenant-entries.ts';
export { MultiLogin, TenantSettings, type TenantSettingsInput, tenantSettings } from './tenant-settings.ts';
