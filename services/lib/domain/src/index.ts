export {
  type BuiltDomain,
  type DomainContext,
  type DomainDefinition,
  type DomainDeps,
  type DomainModule,
  domainService,
} from './domain-service.ts';
export {
  createNotifier,
  NOTIFICATIONS_AT_ONCE,
  type NotificationAddress,
  type Notifier,
  type NotifierDeps,
} from './notifier.ts';
export { createReach, type Reach, type ReachOptions, requireReach, requireVoice } from './reach.ts';
export { type AuditedRead, createReadAudit, type ReadAudit } from './read-audit.ts';
export { type ReportDeps, reportEvent } from './report-event.ts';
export { requireUsers } from './require-users.ts';
export { type TenantRounds, tenantRounds } from './tenant-rounds.ts';
