import type { Operation } from '../operation.ts';
import { listAudit } from './audit.ts';
import { cancelBroadcast, getBroadcast, listBroadcasts, startBroadcast } from './broadcast.ts';
import { deleteClientLog, listClientLogs } from './client-logs.ts';
import { getCluster } from './cluster.ts';
import { forgetClusterToken, getClusterResource, giveClusterToken } from './cluster-resource.ts';
import { countConnections, kickConnection, kickUser, listConnections } from './connections.ts';
import {
  createConsoleLogin,
  endConsoleSession,
  endOwnSession,
  getOwnSession,
  listConsoleSessions,
  openConsoleSession,
  openSecretSession,
} from './console.ts';
import { getCronJob, listCronJobs, runCronJob } from './cron.ts';
import { getDeadLetter, listDeadLetters, listParked, retryDeadLetter } from './dead-letters.ts';
import { deleteUser, getUserDeletion, listDeletions } from './deletions.ts';
import { exportUser } from './export.ts';
import { exportTenant } from './export-tenant.ts';
import {
  dismissGroup,
  getGroup,
  listGroupMembers,
  listGroups,
  listUserGroups,
  revokeMessage,
} from './groups.ts';
import { importUsers } from './import-users.ts';
import { watchLive } from './live.ts';
import { searchMessages } from './messages.ts';
import { testPush, testVerification } from './providers.ts';
import { listActiveGroups, listActiveUsers, listStatisticsDays } from './statistics.ts';
import { tailEvents } from './tail.ts';
import { getTenant, listTenants } from './tenants.ts';
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
  exportTenant,
  deleteUser,
  getUserDeletion,
  listDeletions,
  exportUser,
  importUsers,
  listGroups,
  listUserGroups,
  getGroup,
  listGroupMembers,
  dismissGroup,
  revokeMessage,
  searchMessages,
  listDeadLetters,
  getDeadLetter,
  retryDeadLetter,
  listParked,
  tailEvents,
  startBroadcast,
  getBroadcast,
  listBroadcasts,
  cancelBroadcast,
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
  listClientLogs,
  deleteClientLog,
  listCronJobs,
  getCronJob,
  runCronJob,
  getUsage,
  listTenants,
  getTenant,
  getCluster,
  getClusterResource,
  giveClusterToken,
  forgetClusterToken,
  createBackendToken,
  listBackendTokens,
  revokeBackendToken,
  listAudit,
  watchLive,
  createConsoleLogin,
  openConsoleSession,
  openSecretSession,
  getOwnSession,
  endOwnSession,
  listConsoleSessions,
  endConsoleSession,
];
