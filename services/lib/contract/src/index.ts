export {
  BACKEND_ROLES,
  type BackendRole,
  type RouteAccess,
  roleMay,
} from './backend-roles.ts';
export { BACKEND_PORTS, MINIMUM_VERSIONS } from './backends.ts';
export {
  CONSOLE_ROLE_NAMES,
  type ConsoleResource,
  DEFAULT_CONSOLE_PATH,
  type OidcProvider,
} from './config/console.ts';
export { nextDue } from './config/schedule.ts';
export { isTlsConfigured, TlsConfig } from './config/tls.ts';
export { DEFAULT_CONFIG, ServerConfig, type ServerConfigInput } from './config.ts';
export { ConfigError, checkConfig, faultsOfEntry, parseConfig, unusable } from './config-check.ts';
export {
  type ConfigField,
  configFields,
  type SettingField,
  secretPaths,
  tenantFields,
} from './config-fields.ts';
export { configHash, EVERY_ROLE, restartHash } from './config-hash.ts';
export { configReference } from './config-reference.ts';
export { ROLE_SETTINGS } from './gen/role-settings.ts';
export { HealthReportSettings } from './health-report-settings.ts';
export { isLiveSetting, LIVE_SETTINGS, settingsOf } from './live-settings.ts';
export { LOG_LEVELS, type LogLevel } from './log-level.ts';
export {
  MAIL_ADDRESS,
  MAIL_ADDRESS_CHARACTERS,
  MailSettings,
} from './mail-settings.ts';
export { maskedTenant } from './masked-tenant.ts';
export { LOG_SHARE, PARTITIONS, STREAM } from './message-log.ts';
export { NOTIFICATION_TYPES, type NotificationName } from './notification-types.ts';
export { DEFAULT_PORTS } from './ports.ts';
export {
  type CallerProof,
  type GatewayStatus,
  NO_PROBER_COUNTS,
  type ProberCounts,
  type ProberFinding,
  type ProberGap,
  type ProberStatus,
  type ProberTotals,
  type ProcessStatus,
  type StatusParts,
  type TenantOnGateway,
  type TenantsStatus,
  type TransferStatus,
} from './process-status.ts';
export { PUSH_KINDS, type PushKind, PushProviders, PushSettings } from './push-settings.ts';
export { runtimeFlags } from './runtime-flags.ts';
export type { ConfigOf, SettingName } from './setting-name.ts';
export { SETTINGS_LEVEL } from './settings-level.ts';
export { currentCopies, type StreamCopies, type StreamCopy, spareCopies } from './stream-copies.ts';
export {
  DEFAULT_TENANT,
  endpointOf,
  isTenantId,
  PROBE_TENANT,
  splitTenantPrefix,
  type TenantId,
  tenantId,
  tenantPath,
  tenantURL,
} from './tenant.ts';
export {
  type CheckedTenants,
  checkTenants,
  type InvalidTenant,
  keepLastValid,
  Unresolved,
} from './tenant-entries.ts';
export { TENANT_INDEX, TenantFile, TenantIndex } from './tenant-files.ts';
export { TenantPurge, type TenantPurgeReport } from './tenant-purge.ts';
export {
  DEFAULT_ADMIN_USER,
  MultiLogin,
  TenantSettings,
  type TenantSettingsInput,
  tenantSettings,
} from './tenant-settings.ts';
export { type TenantsReport, TenantsUpdate, tenantHash, tenantsDigest } from './tenant-updates.ts';
export {
  type TenantFigures,
  type TenantRefusalsReport,
  type TenantUsagePage,
  TenantUsageQuery,
  USAGE_PAGE,
} from './tenant-usage.ts';
export {
  acceptedTokenSecrets,
  endsTokens,
  isAdminSecret,
  keyID,
  type TokenKeySettings,
  timeOf,
  tokenKeysDigest,
} from './token-keys.ts';
export {
  CODE_DIGITS,
  CODE_PURPOSES,
  type CodePurpose,
  LANGUAGES,
  type Language,
  SMS_PROVIDERS,
  type SmsProviderName,
  VerificationSettings,
} from './verification-settings.ts';
export { asksWhileSending } from './webhook-sends.ts';
export {
  AFTER_EVENTS,
  type AfterEvent,
  BEFORE_EVENTS,
  type BeforeEvent,
  isWebhookEvent,
  MAX_WEBHOOK_TIMEOUT_MS,
  type TenantWebhooks,
  type Webhook,
  type WebhookEvent,
  webhookKey,
} from './webhook-settings.ts';
