export {
  AdminApiError,
  type AdminClient,
  type AdminClientOptions,
  adminClient,
  NotAdminApiError,
} from './client.ts';
export { type Failure, FailureBody } from './fields.ts';
export { openApi } from './openapi.ts';
export {
  ADMIN_BASE,
  type Answer,
  type AuditedAct,
  type Given,
  type Operation,
  type Taken,
} from './operation.ts';
export { type AuditRecord, listAudit } from './operations/audit.ts';
export {
  type AccountDeletion,
  deleteUser,
  getUserDeletion,
  listDeletions,
} from './operations/deletions.ts';
export { EXPORT_KINDS, type ExportLine, exportUser } from './operations/export.ts';
export {
  dismissGroup,
  type Group,
  type GroupMember,
  getGroup,
  listGroupMembers,
  listGroups,
  revokeMessage,
} from './operations/groups.ts';
export { OPERATIONS } from './operations/index.ts';
export { type Message, searchMessages } from './operations/messages.ts';
export {
  type ActiveGroup,
  type ActiveUser,
  listActiveGroups,
  listActiveUsers,
  listStatisticsDays,
  type StatisticsDay,
} from './operations/statistics.ts';
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
