import type { Operation } from '../operation.ts';
import { listAudit } from './audit.ts';
import {
  createConsoleLogin,
  endConsoleSession,
  endOwnSession,
  getOwnSession,
  listConsoleSessions,
  openConsoleSession,
} from './console.ts';
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
import { listActiveGroups, listActiveUsers, listStatisticsDays } from './statistics.ts';
import { banUser, getUser, listBans, listUsers, logoutUser, unbanUser } from './users.ts';

/** Every operation, in the order of the document. */
export const OPERATIONS: readonly Operation[] = [
  listUsers,
  getUser,
  banUser,
  unbanUser,
  listBans,
  logoutUser,
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
  listStatisticsDays,
  listActiveUsers,
  listActiveGroups,
  listAudit,
  watchLive,
  createConsoleLogin,
  openConsoleSession,
  getOwnSession,
  endOwnSession,
  listConsoleSessions,
  endConsoleSession,
];
