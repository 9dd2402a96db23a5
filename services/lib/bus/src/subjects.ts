import { isTenantId, PARTITIONS, type TenantId } from '@im/contract';
import { token16 } from '@im/kit';

/** What the log captures: `im.<tenant>.msg.<partition>`. */
export const LOG_SUBJECTS: readonly string[] = ['im.*.msg.*'];

/** What the stream of deliveries captures: `im.<tenant>.u.<token>` and `im.<tenant>.g.<token>`. */
export const DELIVERY_SUBJECTS: readonly string[] = ['im.*.u.*', 'im.*.g.*'];

/** What the stream of webhook deliveries captures: `im.<tenant>.hook`. */
export const WEBHOOK_SUBJECTS: readonly string[] = ['im.*.hook'];

/** Webhook deliveries of one tenant: `im.<tenant>.hook`. */
export function webhookSubject(tenant: TenantId): string {
  return `im.${tenant}.hook`;
}

/** Subject of a tenant's records in one partition. @throws RangeError for a partition that does not exist. */
export function logSubject(tenant: TenantId, partition: number): string {
  if (!Number.isInteger(partition) || partition < 0 || partition >= PARTITIONS) {
    throw new RangeError(`partition ${partition} is not one of 0 to ${PARTITIONS - 1}`);
  }
  return `im.${tenant}.msg.${partition}`;
}

/** Everything of a tenant in any stream. */
export function tenantSubjects(tenant: TenantId): string {
  return `im.${tenant}.>`;
}

/** All records of a tenant. */
export function tenantLogSubjects(tenant: TenantId): string {
  return `im.${tenant}.msg.*`;
}

/** Filters that select the given partitions of all tenants: one wildcard when it is all of them. */
export function logFilters(partitions: readonly number[]): string[] {
  const wanted = new Set(partitions);
  if (wanted.size === PARTITIONS) return [...LOG_SUBJECTS];
  return [...wanted].sort((a, b) => a - b).map((partition) => `im.*.msg.${partition}`);
}

/** Deliveries to one user: `im.<tenant>.u.<16 characters>`. */
export function userSubject(tenant: TenantId, userID: string): string {
  return `im.${tenant}.u.${token16('user', userID)}`;
}

/** Deliveries to the members of one group: `im.<tenant>.g.<16 characters>`. */
export function groupSubject(tenant: TenantId, groupID: string): string {
  return `im.${tenant}.g.${token16('group', groupID)}`;
}

/** Deliveries to all users, and to all groups, of one tenant. */
export function tenantDeliverySubjects(tenant: TenantId): string[] {
  return [`im.${tenant}.u.*`, `im.${tenant}.g.*`];
}

/** Kicks of one user: `im.<tenant>.k.<16 characters>`. */
export function kickSubject(tenant: TenantId, userID: string): string {
  return `im.${tenant}.k.${token16('user', userID)}`;
}

/** Presence of one user: `im.<tenant>.p.<16 characters>`. */
export function presenceSubject(tenant: TenantId, userID: string): string {
  return `im.${tenant}.p.${token16('user', userID)}`;
}

/** Stale cache keys of one tenant: `im.<tenant>.inv`. */
export function invalidationSubject(tenant: TenantId): string {
  return `im.${tenant}.inv`;
}

/** Kicks of all users of all tenants. */
export const ALL_KICKS = 'im.*.k.*';

/** Stale cache keys of all tenants. */
export const ALL_INVALIDATIONS = 'im.*.inv';

/** Requests of feeds for confirmation that their subscriptions are effective. */
export const BARRIER = 'imctl.barrier';

/** Heartbeats of the producers of deliveries. */
export const PRODUCER_HEARTBEAT = 'imctl.transfer.heartbeat';

/** Asks all producers for a heartbeat at once. */
export const PRODUCER_WHO = 'imctl.transfer.who';

/** Asks all producers to deliver again what feeds may have missed. */
export const PRODUCER_REDELIVER = 'imctl.transfer.redeliver';

/** A partition changed hands, or is free to be taken. */
export const PRODUCER_TAKEOVER = 'imctl.transfer.takeover';

/** The tenant in `im.<tenant>.…`, or undefined when the subject has another shape. */
export function subjectTenant(subject: string): TenantId | undefined {
  if (!subject.startsWith('im.')) return undefined;
  const end = subject.indexOf('.', 3);
  const tenant = end < 0 ? '' : subject.slice(3, end);
  return isTenantId(tenant) ? tenant : undefined;
}

/** Tenant and partition of a log subject, or undefined when it has another shape. */
export function parseLogSubject(subject: string): { tenant: TenantId; partition: number } | undefined {
  const tenant = subjectTenant(subject);
  if (tenant === undefined || !subject.startsWith('.msg.', 3 + tenant.length)) return undefined;
  const digits = subject.slice(3 + tenant.length + 5);
  const partition = Number(digits);
  if (!/^\d{1,2}$/.test(digits) || partition >= PARTITIONS) return undefined;
  return { tenant, partition };
}

/**
 * Partition of a queue key: FNV-1a over its UTF-8 bytes, folded to 6 bits. Never change it: records
 * of a conversation would change places in the order.
 */
export function partitionOf(queueKey: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(queueKey, 'utf8')) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash ^= hash >>> 8;
  return hash & (PARTITIONS - 1);
}

/** Asks all processes who they are; they answer to the subject that the question names. */
export const PROCESS_WHO = 'imctl.process.who';

/** Answers of processes to a question of this one. */
export function processAnswers(instanceId: string): string {
  return `imctl.process.here.${instanceId}`;
}

/** Announcements of what transfer has folded of large records. */
export const FOLDED = 'imctl.transfer.folded';

/** Asks one gateway about its connections of a tenant. */
export function gatewayConnectionsSubject(gatewayID: string): string {
  return `imctl.gateway.${token16('gateway', gatewayID)}.connections`;
}

/** Asks one gateway to kick connections of a user. */
export function gatewayKickSubject(gatewayID: string): string {
  return `imctl.gateway.${token16('gateway', gatewayID)}.kick`;
}
