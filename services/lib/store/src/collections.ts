import type { CollectionSpec, TenantDocument } from './collection.ts';
import { ACCOUNT_DELETIONS } from './repos/account-deletion.ts';
import { AUDIT_RECORDS } from './repos/audit-record.ts';
import { BACKEND_TOKENS } from './repos/backend-token.ts';
import { BLACKS } from './repos/black.ts';
import { BROADCASTS } from './repos/broadcast.ts';
import { CLIENT_CONFIGS } from './repos/client-config.ts';
import { CLIENT_LOGS } from './repos/client-log.ts';
import { CONVERSATION_SEQS } from './repos/conversation-seqs.ts';
import { CONVERSATION_SETTINGS } from './repos/conversation-settings.ts';
import { STAT_CREATED } from './repos/created-days.ts';
import { DEAD_LETTERS } from './repos/dead-letter.ts';
import { FRIENDS } from './repos/friend.ts';
import { FRIEND_REQUESTS } from './repos/friend-request.ts';
import { GROUPS } from './repos/group.ts';
import { GROUP_MEMBERS } from './repos/group-member.ts';
import { GROUP_REQUESTS } from './repos/group-request.ts';
import { MEMBERSHIP_OUTBOX } from './repos/membership-outbox.ts';
import { MSG_ROWS } from './repos/msg-row.ts';
import { OBJECTS } from './repos/object.ts';
import { OBJECT_UPLOADS, OBJECT_USAGE } from './repos/object-upload.ts';
import { PUSH_PREFERENCES } from './repos/push-preference.ts';
import { PUSH_TOKENS } from './repos/push-token.ts';
import { SEQ_USERS } from './repos/seq-user.ts';
import { STAT_STATES } from './repos/stat-batch.ts';
import { STAT_DAYS } from './repos/stat-day.ts';
import { STAT_PARTS } from './repos/stat-part.ts';
import { THUMBNAILS } from './repos/thumbnail.ts';
import { TOKEN_ISSUES, TOKENS } from './repos/token.ts';
import { USERS } from './repos/user.ts';
import { USER_COMMANDS } from './repos/user-command.ts';
import { VERIFICATION_CODES, VERIFICATION_COUNTS } from './repos/verification-code.ts';
import { VERSION_LOGS } from './repos/version-log.ts';
import { WEBHOOK_DELIVERIES } from './repos/webhook-delivery.ts';

/** Every collection of tenants, so that their indexes exist before a process is ready. */
export const COLLECTIONS: readonly CollectionSpec<TenantDocument>[] = [
  CONVERSATION_SEQS,
  MSG_ROWS,
  SEQ_USERS,
  TOKENS,
  TOKEN_ISSUES,
  USERS,
  USER_COMMANDS,
  CLIENT_CONFIGS,
  OBJECTS,
  OBJECT_UPLOADS,
  OBJECT_USAGE,
  THUMBNAILS,
  CLIENT_LOGS,
  PUSH_TOKENS,
  PUSH_PREFERENCES,
  FRIENDS,
  FRIEND_REQUESTS,
  BLACKS,
  GROUPS,
  GROUP_MEMBERS,
  GROUP_REQUESTS,
  MEMBERSHIP_OUTBOX,
  CONVERSATION_SETTINGS,
  ...Object.values(VERSION_LOGS),
  WEBHOOK_DELIVERIES,
  AUDIT_RECORDS,
  BACKEND_TOKENS,
  VERIFICATION_CODES,
  VERIFICATION_COUNTS,
  ACCOUNT_DELETIONS,
  BROADCASTS,
  STAT_DAYS,
  STAT_PARTS,
  STAT_STATES,
  STAT_CREATED,
];

/** Collections of the cluster that have indexes; they are in the shared database alone. */
export const CLUSTER_COLLECTIONS: readonly Pick<CollectionSpec<TenantDocument>, 'name' | 'indexes'>[] = [
  DEAD_LETTERS,
];

/** What a database has. @param isShared whether it is that of the cluster. */
export function collectionsIn(
  isShared: boolean,
): readonly Pick<CollectionSpec<TenantDocument>, 'name' | 'indexes'>[] {
  return isShared ? [...COLLECTIONS, ...CLUSTER_COLLECTIONS] : COLLECTIONS;
}
