import type { Operation } from '@im/admin-api';
import { type ComponentType, lazy } from 'react';
import {
  getCluster,
  getUsage,
  importUsers,
  listAudit,
  listClientLogs,
  listConnections,
  listConsoleSessions,
  listCronJobs,
  listGroups,
  listStatisticsDays,
  listUsers,
  listWebhookDeliveries,
  searchMessages,
  startBroadcast,
  watchLive,
} from '../gen/operations.ts';
import type { Texts } from '../i18n/en.ts';

/** A page of the menu. */
export interface MenuPage {
  /** First part of its path, below the tenant. */
  readonly path: string;
  readonly title: (texts: Texts) => string;
  /** What it shows is read by this; absent: any role may see it. */
  readonly reads?: Operation;
  readonly component: ComponentType;
  /** The page of one entry, named by the second part of the path. */
  readonly entry?: ComponentType<{ readonly id: string }>;
}

const OverviewPage = lazy(async () => ({ default: (await import('../pages/overview.tsx')).OverviewPage }));
const UsersPage = lazy(async () => ({ default: (await import('../pages/users.tsx')).UsersPage }));
const UserPage = lazy(async () => ({ default: (await import('../pages/user.tsx')).UserPage }));
const GroupsPage = lazy(async () => ({ default: (await import('../pages/groups.tsx')).GroupsPage }));
const GroupPage = lazy(async () => ({ default: (await import('../pages/group.tsx')).GroupPage }));
const MessagesPage = lazy(async () => ({ default: (await import('../pages/messages.tsx')).MessagesPage }));
const StatisticsPage = lazy(async () => ({
  default: (await import('../pages/statistics.tsx')).StatisticsPage,
}));
const ConnectionsPage = lazy(async () => ({
  default: (await import('../pages/connections.tsx')).ConnectionsPage,
}));
const WebhooksPage = lazy(async () => ({ default: (await import('../pages/webhooks.tsx')).WebhooksPage }));
const CronPage = lazy(async () => ({ default: (await import('../pages/cron.tsx')).CronPage }));
const TenantPage = lazy(async () => ({ default: (await import('../pages/tenant.tsx')).TenantPage }));
const ClusterPage = lazy(async () => ({ default: (await import('../pages/cluster.tsx')).ClusterPage }));
const BroadcastPage = lazy(async () => ({ default: (await import('../pages/broadcast.tsx')).BroadcastPage }));
const ImportUsersPage = lazy(async () => ({
  default: (await import('../pages/import-users.tsx')).ImportUsersPage,
}));
const ClientLogsPage = lazy(async () => ({
  default: (await import('../pages/client-logs.tsx')).ClientLogsPage,
}));
const AuditPage = lazy(async () => ({ default: (await import('../pages/audit.tsx')).AuditPage }));
const AccessPage = lazy(async () => ({ default: (await import('../pages/access.tsx')).AccessPage }));
const AboutPage = lazy(async () => ({ default: (await import('../pages/about.tsx')).AboutPage }));

/** The pages, in the order of the menu; each is loaded when it is first shown. */
export const PAGES: readonly MenuPage[] = [
  { path: 'overview', title: (texts) => texts.overview.title, reads: watchLive, component: OverviewPage },
  {
    path: 'users',
    title: (texts) => texts.users.title,
    reads: listUsers,
    component: UsersPage,
    entry: UserPage,
  },
  {
    path: 'groups',
    title: (texts) => texts.groups.title,
    reads: listGroups,
    component: GroupsPage,
    entry: GroupPage,
  },
  {
    path: 'messages',
    title: (texts) => texts.messages.title,
    reads: searchMessages,
    component: MessagesPage,
  },
  {
    path: 'broadcast',
    title: (texts) => texts.broadcast.title,
    reads: startBroadcast,
    component: BroadcastPage,
  },
  {
    path: 'connections',
    title: (texts) => texts.connections.title,
    reads: listConnections,
    component: ConnectionsPage,
  },
  {
    path: 'statistics',
    title: (texts) => texts.statistics.title,
    reads: listStatisticsDays,
    component: StatisticsPage,
  },
  {
    path: 'webhooks',
    title: (texts) => texts.webhooks.title,
    reads: listWebhookDeliveries,
    component: WebhooksPage,
  },
  { path: 'cron', title: (texts) => texts.cron.title, reads: listCronJobs, component: CronPage },
  {
    path: 'import',
    title: (texts) => texts.importUsers.title,
    reads: importUsers,
    component: ImportUsersPage,
  },
  {
    path: 'client-logs',
    title: (texts) => texts.clientLogs.title,
    reads: listClientLogs,
    component: ClientLogsPage,
  },
  { path: 'tenant', title: (texts) => texts.tenantPage.title, reads: getUsage, component: TenantPage },
  { path: 'cluster', title: (texts) => texts.cluster.title, reads: getCluster, component: ClusterPage },
  { path: 'audit', title: (texts) => texts.audit.title, reads: listAudit, component: AuditPage },
  { path: 'access', title: (texts) => texts.access.title, reads: listConsoleSessions, component: AccessPage },
  { path: 'about', title: (texts) => texts.about.title, component: AboutPage },
];
