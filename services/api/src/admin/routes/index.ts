import type { AdminRoute } from '../admin-route.ts';
import { auditRoutes } from './audit.ts';
import { broadcastRoutes } from './broadcast.ts';
import { clientLogRoutes } from './client-logs.ts';
import { clusterRoutes } from './cluster.ts';
import { clusterResourceRoutes } from './cluster-resource.ts';
import { connectionRoutes } from './connections.ts';
import { consoleRoutes } from './console.ts';
import { cronRoutes } from './cron.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { deletionRoutes } from './deletions.ts';
import { exportRoutes } from './export.ts';
import { groupRoutes } from './groups.ts';
import { importRoutes } from './import-users.ts';
import { liveRoutes } from './live.ts';
import { messageRoutes } from './messages.ts';
import { providerRoutes } from './providers.ts';
import { statisticsRoutes } from './statistics.ts';
import { tailRoutes } from './tail.ts';
import { tenantRoutes } from './tenants.ts';
import { tokenRoutes } from './tokens.ts';
import { usageRoutes } from './usage.ts';
import { userRoutes } from './users.ts';
import { webhookRoutes } from './webhooks.ts';

/** Every route of administrators; a test compares them with the operations of @im/admin-api. */
export const ADMIN_ROUTES: readonly AdminRoute[] = [
  ...userRoutes,
  ...connectionRoutes,
  ...deletionRoutes,
  ...exportRoutes,
  ...groupRoutes,
  ...messageRoutes,
  ...deadLetterRoutes,
  ...tailRoutes,
  ...webhookRoutes,
  ...providerRoutes,
  ...cronRoutes,
  ...statisticsRoutes,
  ...usageRoutes,
  ...tenantRoutes,
  ...clusterRoutes,
  ...clusterResourceRoutes,
  ...broadcastRoutes,
  ...clientLogRoutes,
  ...importRoutes,
  ...tokenRoutes,
  ...auditRoutes,
  ...liveRoutes,
  ...consoleRoutes,
];
