export { ADMIN_BASE } from './admin-base.ts';
export {
  AdminApiError,
  type AdminClient,
  type AdminClientOptions,
  adminClient,
  NotAdminApiError,
} from './client.ts';
export {
  ALL_TENANTS,
  CONSOLE_COOKIE,
  CONSOLE_HEADER,
  CONSOLE_ROLES,
  type ConsoleRole,
  includesRole,
  KUBERNETES_COOKIE,
} from './console-roles.ts';
export { type Failure, FailureBody } from './fields.ts';
export { openApi } from './openapi.ts';
export type {
  Answer,
  AuditedAct,
  ConsoleAccess,
  Given,
  Operation,
  Taken,
} from './operation.ts';
export { type AuditRecord, listAudit } from './operations/audit.ts';
export {
  Broadcast,
  cancelBroadcast,
  getBroadcast,
  listBroadcasts,
  startBroadcast,
} from './operations/broadcast.ts';
export { type ClientLog, deleteClientLog, listClientLogs } from './operations/client-logs.ts';
export { ALARM_KINDS, type ClusterAlarm, type ClusterProcess, getCluster } from './operations/cluster.ts';
export {
  type ClusterResource,
  forgetClusterToken,
  getClusterResource,
  giveClusterToken,
  MAX_CLUSTER_TOKEN,
  RESOURCE_FAULTS,
  type ResourceFault,
  type UpgradeProof,
} from './operations/cluster-resource.ts';
export {
  type Connection,
  countConnections,
  kickConnection,
  kickUser,
  listConnections,
} from './operations/connections.ts';
export {
  type ConsoleGrant,
  type ConsoleSession,
  createConsoleLogin,
  endConsoleSession,
  endOwnSession,
  getOwnSession,
  listConsoleSessions,
  openConsoleSession,
  openSecretSession,
} from './operations/console.ts';
export { type CronJob, type CronRun, getCronJob, listCronJobs, runCronJob } from './operations/cron.ts';
export {
  type DeadLetter,
  getDeadLetter,
  listDeadLetters,
  listParked,
  type ParkedRecords,
  retryDeadLetter,
} from './operations/dead-letters.ts';
export {
  type AccountDeletion,
  deleteUser,
  getUserDeletion,
  listDeletions,
} from './operations/deletions.ts';
export { EXPORT_KINDS, type ExportLine, exportUser } from './operations/export.ts';
export {
  exportTenant,
  TENANT_EXPORT_KINDS,
  type TenantExportKind,
  type TenantExportLine,
} from './operations/export-tenant.ts';
export {
  dismissGroup,
  type Group,
  type GroupMember,
  getGroup,
  listGroupMembers,
  listGroups,
  listUserGroups,
  revokeMessage,
} from './operations/groups.ts';
export { importUsers } from './operations/import-users.ts';
export { OPERATIONS } from './operations/index.ts';
export { type LiveSample, watchLive } from './operations/live.ts';
export { type Message, searchMessages } from './operations/messages.ts';
export {
  type CodeTestResult,
  type PushTestResult,
  testPush,
  testVerification,
} from './operations/providers.ts';
export {
  type ActiveGroup,
  type ActiveUser,
  listActiveGroups,
  listActiveUsers,
  listStatisticsDays,
  type StatisticsDay,
} from './operations/statistics.ts';
export { TAIL_EVENTS, type TailEvent, tailEvents } from './operations/tail.ts';
export { getTenant, listTenants, type TenantEntry, type TenantKey } from './operations/tenants.ts';
export {
  type BackendToken,
  createBackendToken,
  listBackendTokens,
  revokeBackendToken,
} from './operations/tokens.ts';
export { getUsage, USAGE_DAYS, type Usage } from './operations/usage.ts';
export {
  type Ban,
  banUser,
  getUser,
  listBans,
  listUsers,
  logoutUser,
  type User,
  unbanUser,
} from './operations/users.ts';
export {
  getWebhookDelivery,
  listWebhookDeliveries,
  replayWebhookDelivery,
  replayWebhooks,
  testWebhook,
  type WebhookDelivery,
} from './operations/webhooks.ts';
export { type CsvFault, type CsvUser, readUserCsv, type UserCsv } from './user-csv.ts';
