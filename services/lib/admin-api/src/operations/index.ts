import type { Operation } from '../operation.ts';
import { listAudit } from './audit.ts';
import { countConnections, kickConnection, kickUser, listConnections } from './connections.ts';
import {
  createConsoleLogin,
  endConsoleSession,
  endOwnSession,
  getOwnSession,
  listConsoleSessions,
  openConsoleSession,
} from './console.ts';
import { getCronJob, listCronJobs, runCronJob } from './cron.ts';
import { deleteUser, getUserDeletion, listDeletions } from './deletions.ts';
import { exportUser } from './export.ts';
import {
  dismissGroup,
  getGroup,
  listGroupMembers,
  listGroups,
  listUserGroups,
  revokeMessage,
} from './groups.ts';
import { watchLive } from './live.ts';
import { searchMessages } from './messages.ts';
import { testPush, testVerification } from './providers.ts';
import { listActiveGroups, listActiveUsers, listStatisticsDays } from './statistics.ts';
import { tailEvents } from './tail.ts';
import { createBackendToken, listBackendTokens, revokeBackendToken } from './tokens.ts';
import { getUsage } from './usage.ts';
import { banUser, getUser, listBans, listUsers, logoutUser, unbanUser } from './users.ts';
import {
  getWebhookDelivery,
  listWebhookDeliveries,
  replayWebhookDelivery,
  replayWebhooks,
  testWebhook,
} from './webhooks.ts';

/** Every operation, in the order of the document. */
export const OPERATIONS: readonly Operation[] = [
  listUsers,
  getUser,
  banUser,
  unbanUser,
  listBans,
  logoutUser,
  listConnections,
  countConnections,
  kickConnection,
  kickUser,
  deleteUser,
  getUserDeletion,
  listDeletions,
  exportUser,
  listGroups,
  listUserGroups,
  getGroup,
  listGroupMembers,
  dismissGroup,
  revokeMessage,
  searchMessages,
  tailEvents,
  listStatisticsDays,
  listActiveUsers,
  listActiveGroups,
  listWebhookDeliveries,
  getWebhookDelivery,
  replayWebhookDelivery,
  replayWebhooks,
  testWebhook,
  testPush,
  testVerification,
  listCronJobs,
  getCronJob,
  runCronJob,
  getUsage,
  createBackendToken,
  listBackendTokens,
  revokeBackendToken,
  listAudit,
  watchLive,
  createConsoleLogin,
  openConsoleSession,
  getOwnSession,
  endOwnSession,
  listConsoleSessions,
  endConsoleSession,
];
