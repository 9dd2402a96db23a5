import type { Usage } from '@im/admin-api';
import { bytes } from '../doctor/host.ts';
import type { Row } from '../output.ts';

/** Columns of a table for people; with `wide` the others follow. The table fits into 80 columns, the wide one into 200. */
export const USAGE_TABLE = ['tenant', 'users', 'connections', 'messages', 'throttled', 'storage'] as const;

/** Columns for programs, in the order of CSV. */
export const USAGE_COLUMNS = [
  ...['tenant', 'from', 'to', 'users', 'userQuota', 'connections', 'connectionQuota', 'messages'],
  ...['messagesToday', 'throttled', 'throttledToday', 'peakUsers', 'peakConnections'],
  ...['storageBytes', 'storageQuota', 'storageByteDays', 'exceeded', 'countedTo'],
] as const;

/** Usage for programs. Before the first count what is not known is empty, not 0: the numbers may be charged for. */
export function usageRow(tenant: string, { quotas, registrations: _, ...figures }: Usage): Row {
  const { users: userQuota, connections: connectionQuota, storageBytes: storageQuota } = quotas;
  const limits = { userQuota, connectionQuota, storageQuota };
  const { from, to, connections, throttled, throttledToday, exceeded, countedTo } = figures;
  const known = { tenant, from, to, connections, throttled, throttledToday };
  if (countedTo === 0) return { ...known, ...limits, exceeded, countedTo: null };
  return { tenant, ...figures, ...limits, countedTo: new Date(countedTo).toISOString() };
}

/** Usage for people: what is limited with its limit, and a `!` where that is used up. */
export function usageText(tenant: string, usage: Usage): Row {
  const { quotas, from, to, connections, throttled, countedTo } = usage;
  const isCounted = countedTo > 0;
  const of = (used: number, most: number, text: (value: number) => string) =>
    most > 0 ? `${text(used)}/${text(most)}${used >= most ? ' !' : ''}` : text(used);
  const count = (value: number | undefined) => (value ?? 0).toLocaleString('en-US');
  const counted = (value: number) => (isCounted ? count(value) : '-');
  return {
    tenant,
    users: isCounted ? of(usage.users, quotas.users, count) : '-',
    connections: of(connections, quotas.connections, count),
    messages: counted(usage.messages),
    throttled: count(throttled),
    storage: isCounted ? of(usage.storageBytes, quotas.storageBytes, bytes) : '-',
    ...{ from, to, today: counted(usage.messagesToday), throttledToday: count(usage.throttledToday) },
    ...{ peakUsers: counted(usage.peakUsers), peakConnections: counted(usage.peakConnections) },
    countedTo: isCounted ? new Date(countedTo).toISOString().slice(0, 16) : '-',
  };
}
