import type { KubeClient } from '@im/kube';
import { SECRET } from '@im/kube';
import { displayName, type FoundCluster } from '../cluster/find.ts';
import { isReady } from '../status/screen.ts';
import { pemFindings } from './certificates.ts';
import { type Finding, fine } from './finding.ts';

const DEADLINE_MS = 15_000;
/** Conditions of a rollout, which are healthy when false. */
const FALSE_IS_FINE = new Set(['Paused', 'Progressing', 'Reconciling', 'Stalled']);
/** Conditions that repeat others. */
const SUMMARIES = new Set(['Ready', 'Available', 'Reconciling']);

/** What the operator reports of a cluster, and the certificates in the Secrets of its namespace. */
export async function clusterFindings(client: KubeClient, cluster: FoundCluster): Promise<Finding[]> {
  return [
    ...statusFindings(cluster),
    ...versionFindings(cluster),
    ...(await secretFindings(client, cluster)),
  ];
}

function statusFindings(cluster: FoundCluster): Finding[] {
  const subject = displayName(cluster);
  const conditions = cluster.status?.conditions ?? [];
  const bad = conditions.filter(
    ({ type, status }) => !SUMMARIES.has(type) && status !== (FALSE_IS_FINE.has(type) ? 'False' : 'True'),
  );
  if (bad.length === 0 && isReady(cluster)) return [fine('cluster.ready', subject, 'ready')];
  const seen = bad.map(
    ({ type, reason, message }): Finding => ({
      ...{ check: `cluster.${type}`, subject, message: `${reason}: ${message}` },
      severity: type === 'Progressing' ? 'warning' : 'critical',
      meaning: 'The operator reports it; what depends on it does not work, or not as specified.',
      remedy: 'The message says what to do; docs/troubleshooting.md explains each reason.',
    }),
  );
  if (isReady(cluster) || seen.length > 0) return seen;
  return [
    {
      ...{ check: 'cluster.ready', subject, severity: 'critical' },
      message:
        conditions.find(({ type }) => type === 'Ready')?.message ?? 'the operator has not looked at it yet',
      meaning: 'Some of it is not available, or a change is not in force.',
      remedy: 'openimctl status shows what it waits for; without conditions, look whether the operator runs.',
    },
  ];
}

/** Whether processes of several versions run, or of an older template than the operator wants. */
export function versionFindings(cluster: FoundCluster): Finding[] {
  const own = (cluster.status?.components ?? []).filter(({ version }) => version !== undefined);
  const versions = new Set(own.map(({ version }) => version));
  const isBehind = ({ updated, desired }: (typeof own)[number]) => updated !== undefined && updated < desired;
  const behind = own.filter(isBehind);
  if (versions.size < 2 && behind.length === 0) return [];
  const stateOf = (one: (typeof own)[number]) =>
    `${one.name} ${one.version}${isBehind(one) ? ` (${one.updated} of ${one.desired} updated)` : ''}`;
  return [
    {
      ...{ check: 'version.skew', subject: displayName(cluster), severity: 'warning' },
      message: `a roll-out is under way: ${own.map(stateOf).join(', ')}`,
      meaning: 'That is meant to last for the time of an upgrade only.',
      remedy: 'openimctl status shows the roll-out, and what it waits for.',
    },
  ];
}

/** Certificates that expire unnoticed: those of all Secrets for TLS in the namespace. */
async function secretFindings(client: KubeClient, cluster: FoundCluster): Promise<Finding[]> {
  const { namespace } = cluster.metadata;
  try {
    const { items } = await client.list(SECRET, { namespace, deadlineMs: DEADLINE_MS });
    return items.flatMap(({ metadata, data }) => {
      const text = data?.['tls.crt'];
      if (text === undefined) return [];
      const subject = `Secret ${namespace}/${metadata.name}`;
      const renew = 'Renew it: cert-manager and the like say in their resources why they do not.';
      return pemFindings(subject, Buffer.from(text, 'base64').toString('utf8'), Date.now(), renew);
    });
  } catch (error) {
    return [
      {
        ...{ check: 'certificate.validity', subject: `Secrets of ${namespace}`, severity: 'unknown' },
        message: `they cannot be listed: ${error instanceof Error ? error.message : error}`,
        meaning: '',
        remedy: 'Certificates are examined with the right to list secrets of the namespace.',
      },
    ];
  }
}
