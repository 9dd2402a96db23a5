import type { FoundCluster } from '../cluster/find.ts';
import type { Row } from '../output.ts';
import { age, isReady } from './screen.ts';

/** Columns of a list of clusters. */
export const CLUSTER_COLUMNS = [
  'namespace',
  'name',
  'ready',
  'reason',
  'version',
  'gateways',
  'connections',
  'lag',
  'age',
] as const;

/** A cluster as one of several. @param now ms since the epoch. */
export function clusterRow({ metadata, status, ...rest }: FoundCluster, now: number): Row {
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    ready: isReady({ metadata, status, ...rest }),
    reason: status?.conditions?.find(({ type }) => type === 'Ready')?.reason ?? null,
    version: status?.version ?? null,
    gateways: status?.gatewaysReady ?? null,
    connections: status?.connections ?? null,
    lag: status?.log?.lagRecords ?? null,
    age: metadata.creationTimestamp === undefined ? null : age(metadata.creationTimestamp, now),
    stage: status?.rollout?.stage || null,
    profile: text(status?.effective?.profile),
    image: text(status?.effective?.image),
  };
}

const text = (value: unknown) => (typeof value === 'string' ? value : null);
