import { type ClusterProcess, getCluster } from '@im/admin-api';
import type { GatewayStatus, TransferStatus } from '@im/contract';
import type { KnownProcess } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import { type AdminRoute, adminRoute, type BrowserRequest } from '../admin-route.ts';
import { clusterAlarms } from '../cluster-alarms.ts';

function gatewayOf(status: GatewayStatus): NonNullable<ClusterProcess['gateway']> {
  const { connections, handshakesPerSecond, draining, drainRemaining, drainEtaSeconds } = status;
  const { maxConnections = 0, refusedPerSecond = 0, drainPerSecond = 0, loginP99Ms } = status;
  return {
    ...{ connections, maxConnections, handshakesPerSecond, refusedPerSecond },
    ...{ draining, drainRemaining, drainPerSecond, drainEtaSeconds },
    ...(loginP99Ms !== undefined && { loginP99Ms }),
  };
}

function transferOf(status: TransferStatus): NonNullable<ClusterProcess['transfer']> {
  const { partitions, lagRecords, parkedTenants, parkedConversations, parkedRecords } = status;
  return { partitions, lagRecords, parkedTenants, parkedConversations, parkedRecords };
}

function processOf({ instance, ops, services, status }: KnownProcess): ClusterProcess {
  return {
    instance,
    address: ops,
    roles: [...(status?.roles ?? services)],
    version: status?.version ?? '',
    ready: status?.ready ?? true,
    reason: status?.reason ?? status?.unavailable ?? '',
    startTime: status?.startedAt ?? 0,
    rssBytes: status?.rssBytes ?? 0,
    eventLoopDelayMs: status?.eventLoopDelayMs ?? 0,
    invalidTenants: status?.invalidTenants?.count ?? 0,
    ...(status?.gateway && { gateway: gatewayOf(status.gateway) }),
    ...(status?.transfer && { transfer: transferOf(status.transfer) }),
  };
}

/** @throws ImError 1002 for those without rights in all tenants. */
export function requireOperator(browser: Pick<BrowserRequest, 'mayOperate'>): void {
  if (browser.mayOperate()) return;
  throw new ImError(
    ERR.NoPermissionError,
    'this needs rights in all tenants: log in by `openimctl console login --all-tenants`, or as an administrator of api.console.clusterTenant',
  );
}

/** How the cluster is. */
export const clusterRoutes: readonly AdminRoute[] = [
  adminRoute(getCluster, 'api.getCluster', async ({ browser, cluster, resource: { named } }) => {
    requireOperator(browser);
    const [known, log] = await Promise.all([cluster.processes(), cluster.logSize()]);
    const processes = known.map(processOf);
    return {
      processes,
      ...(log && { log }),
      alarms: clusterAlarms({ processes, log }),
      ...(named && { resource: named }),
    };
  }),
];
