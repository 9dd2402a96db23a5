import { z } from 'zod';
import { time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A gateway's connections and drain. */
const GatewayState = z.object({
  connections: z.int(),
  maxConnections: z.int().meta({ description: '0 when not known.' }),
  handshakesPerSecond: z.number(),
  refusedPerSecond: z.number(),
  loginP99Ms: z.number().optional(),
  draining: z.boolean(),
  drainRemaining: z.int().meta({ description: 'Connections that are still to go.' }),
  drainPerSecond: z.number(),
  drainEtaSeconds: z.number(),
});

/** What a process of transfer has of the message log. */
const TransferState = z.object({
  partitions: z.int(),
  lagRecords: z.int().meta({ description: 'Records that are acknowledged and not stored as rows yet.' }),
  parkedTenants: z.int(),
  parkedConversations: z.int(),
  parkedRecords: z.int(),
});

/** A process of the cluster. */
export const ClusterProcess = z
  .object({
    instance: z.string().meta({ description: 'New at every start.' }),
    address: z.string().meta({ description: 'Of its ops port, as other processes reach it.' }),
    roles: z.array(z.string()),
    version: z.string().meta({ description: 'Empty: a version that does not report it.' }),
    ready: z.boolean(),
    reason: z.string().meta({ description: 'Why it is not ready, or what it does without.' }),
    startTime: time,
    rssBytes: z.int(),
    eventLoopDelayMs: z.number().meta({ description: '99th percentile of late.' }),
    invalidTenants: z.int().meta({ description: 'Tenants of its config that it refuses.' }),
    gateway: GatewayState.optional(),
    transfer: TransferState.optional(),
  })
  .meta({ id: 'ClusterProcess' });
/** A process of the cluster. */
export type ClusterProcess = z.output<typeof ClusterProcess>;

/** Kinds of alarms. */
export const ALARM_KINDS = [
  'roleMissing',
  'notReady',
  'degraded',
  'partitionsUnowned',
  'logUnknown',
  'logFull',
  'lag',
  'parked',
  'invalidTenants',
  'gatewayFull',
  'gatewayRefuses',
  'slowProcess',
  'versionsDiffer',
  'draining',
] as const;

/** Something that needs attention. */
export const ClusterAlarm = z
  .object({
    kind: z.enum(ALARM_KINDS),
    severity: z.enum(['critical', 'warning', 'info']),
    subject: z.string().meta({ description: 'What it is about, such as a process.' }),
    value: z.number().meta({ description: 'How many or how much; 0 where there is nothing to count.' }),
    message: z.string(),
    remedy: z.string().meta({ description: 'What to do.' }),
  })
  .meta({ id: 'ClusterAlarm' });
/** Something that needs attention. */
export type ClusterAlarm = z.output<typeof ClusterAlarm>;

/** How the cluster is. */
export const getCluster = operation({
  id: 'getCluster',
  method: 'GET',
  path: '/cluster',
  access: 'read',
  tag: 'cluster',
  summary: 'Get the processes of the cluster, the message log, and what needs attention.',
  description:
    'For administrators and sessions with rights in all tenants, or in the only one. As the processes report it, at most 5 s old. What only Kubernetes knows, such as roll-outs, is in the resource.',
  answer: z.object({
    processes: z.array(ClusterProcess),
    log: z
      .object({ bytes: z.int(), maxBytes: z.int().meta({ description: '0 or less: no limit.' }) })
      .optional()
      .meta({ description: 'The stream of messages; absent when NATS does not answer.' }),
    alarms: z.array(ClusterAlarm).meta({ description: 'The worst first.' }),
    resource: z
      .object({ namespace: z.string(), name: z.string() })
      .optional()
      .meta({ description: 'The OpenIMCluster, on Kubernetes; `getClusterResource` reads it.' }),
  }),
  perSecond: 5,
  console: { role: 'viewer', cluster: true },
});
