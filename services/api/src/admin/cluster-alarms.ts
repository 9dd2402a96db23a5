import type { ClusterAlarm, ClusterProcess } from '@im/admin-api';
import { LOG_SHARE, PARTITIONS } from '@im/contract';

/** Size of the message log. */
export interface LogSize {
  readonly bytes: number;
  /** 0 or less: no limit. */
  readonly maxBytes: number;
}

/** What {@link clusterAlarms} judges. */
export interface ClusterState {
  readonly processes: readonly ClusterProcess[];
  /** Undefined when NATS does not answer. */
  readonly log: LogSize | undefined;
}

/** Roles without which a part of the service does not work; push and cron may be left out on purpose. */
const NEEDED = ['gateway', 'api', 'transfer', 'rpc'] as const;
/** From here on receivers wait noticeably. */
const LAG_RECORDS = 10_000;
const GATEWAY_FULL = 0.9;
const SLOW_MS = 200;
const PERCENT = 100;
const ORDER: readonly ClusterAlarm['severity'][] = ['critical', 'warning', 'info'];

type Found = Omit<ClusterAlarm, 'message' | 'remedy'> & { readonly text: readonly [string, string] };

function alarm({ text: [message, remedy], ...rest }: Found): ClusterAlarm {
  return { ...rest, message, remedy };
}

const sum = (values: readonly (number | undefined)[]) =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);

/** Whether a process serves a role; the domains of `rpc` may be separate processes. */
function serves({ roles }: ClusterProcess, role: (typeof NEEDED)[number]): boolean {
  return roles.includes(role) || roles.includes('all') || (role === 'rpc' && roles.includes('user'));
}

function ofProcess(process: ClusterProcess): Found[] {
  const { instance, ready, reason, invalidTenants, eventLoopDelayMs, gateway } = process;
  const subject = `${process.roles.join(',')} ${process.address || instance}`;
  const found: Found[] = [];
  if (!ready && !gateway?.draining)
    found.push({
      ...{ kind: 'notReady', severity: 'critical', subject, value: 0 },
      text: [
        `not ready: ${reason}`,
        'see the logs of the process; it gets ready by itself when the cause is gone',
      ],
    });
  else if (reason !== '' && !gateway?.draining)
    found.push({
      ...{ kind: 'degraded', severity: 'critical', subject, value: 0 },
      text: [`works without a part: ${reason}`, 'bring back the store that is named'],
    });
  if (invalidTenants > 0)
    found.push({
      ...{ kind: 'invalidTenants', severity: 'warning', subject, value: invalidTenants },
      text: [`${invalidTenants} tenants are refused`, 'correct the fields that openimctl status names'],
    });
  if (eventLoopDelayMs >= SLOW_MS)
    found.push({
      ...{ kind: 'slowProcess', severity: 'warning', subject, value: Math.round(eventLoopDelayMs) },
      text: [
        `its event loop is ${Math.round(eventLoopDelayMs)} ms late`,
        'give it more CPU, or add replicas of its role',
      ],
    });
  if (gateway) found.push(...ofGateway(subject, gateway));
  return found;
}

function ofGateway(subject: string, gateway: NonNullable<ClusterProcess['gateway']>): Found[] {
  const { connections, maxConnections, refusedPerSecond, draining, drainRemaining } = gateway;
  if (draining)
    return [
      {
        ...{ kind: 'draining', severity: 'info', subject, value: drainRemaining },
        text: [`drains, ${drainRemaining} connections are left`, 'no action needed'],
      },
    ];
  const share = maxConnections > 0 ? connections / maxConnections : 0;
  const percent = Math.round(share * PERCENT);
  return [
    ...(share >= GATEWAY_FULL
      ? [
          {
            ...({ kind: 'gatewayFull', severity: 'warning', subject, value: percent } as const),
            text: [`${percent} % of gateway.maxConnections are used`, 'add gateways'] as const,
          },
        ]
      : []),
    ...(refusedPerSecond > 0
      ? [
          {
            ...({ kind: 'gatewayRefuses', severity: 'warning', subject, value: refusedPerSecond } as const),
            text: [
              `refuses ${refusedPerSecond} handshakes per second`,
              'add gateways, or wait for the peak to pass',
            ] as const,
          },
        ]
      : []),
  ];
}

function ofLog({ processes, log }: ClusterState): Found[] {
  const found: Found[] = [];
  const subject = 'message log';
  const transfers = processes.flatMap(({ transfer }) => transfer ?? []);
  const owned = sum(transfers.map(({ partitions }) => partitions));
  if (transfers.length > 0 && owned < PARTITIONS)
    found.push({
      ...{ kind: 'partitionsUnowned', severity: 'critical', subject, value: PARTITIONS - owned },
      text: [
        `${PARTITIONS - owned} of ${PARTITIONS} partitions are stored by no process`,
        'messages wait and are not lost; it ends within a minute of a restart, else start a process with the role transfer',
      ],
    });
  const lag = sum(transfers.map(({ lagRecords }) => lagRecords));
  if (lag >= LAG_RECORDS)
    found.push({
      ...{ kind: 'lag', severity: 'warning', subject, value: lag },
      text: [
        `${lag} records wait to be stored`,
        'check MongoDB, and add CPU or replicas to transfer if it lasts',
      ],
    });
  const parked = sum(transfers.map(({ parkedRecords }) => parkedRecords));
  if (parked > 0)
    found.push({
      ...{ kind: 'parked', severity: 'critical', subject, value: parked },
      text: [
        `${parked} records are parked, since their tenant or conversation cannot be stored`,
        'see the logs of transfer for the tenant and the reason; the others continue',
      ],
    });
  if (!log)
    found.push({
      ...{ kind: 'logUnknown', severity: 'critical', subject, value: 0 },
      text: ['NATS does not answer for the message log', 'check that NATS runs and has a quorum'],
    });
  else if (log.maxBytes > 0 && log.bytes / log.maxBytes >= LOG_SHARE.alarm) {
    const percent = Math.round((log.bytes / log.maxBytes) * PERCENT);
    const isRefused = log.bytes / log.maxBytes >= LOG_SHARE.refuse;
    found.push({
      ...{ kind: 'logFull', severity: isRefused ? 'critical' : 'warning', subject, value: percent },
      text: [
        `${percent} % full; messages are refused from ${LOG_SHARE.refuse * PERCENT} %`,
        'raise nats.logMaxBytes with the volume, or find what keeps transfer from storing',
      ],
    });
  }
  return found;
}

/** What needs attention, the worst first: of each, what it is and what to do. */
export function clusterAlarms(state: ClusterState): ClusterAlarm[] {
  const { processes } = state;
  const missing = NEEDED.filter((role) => !processes.some((process) => serves(process, role)));
  const versions = [...new Set(processes.map(({ version }) => version))].sort();
  const found: Found[] = [
    // Without NATS no process answers.
    ...(processes.length === 0 ? [] : missing).map(
      (role): Found => ({
        ...{ kind: 'roleMissing', severity: 'critical', subject: role, value: 0 },
        text: [`no process has the role ${role}`, `start one: serve ${role}`],
      }),
    ),
    ...processes.flatMap(ofProcess),
    ...ofLog(state),
    ...(versions.length > 1
      ? [
          {
            ...({
              kind: 'versionsDiffer',
              severity: 'info',
              subject: 'processes',
              value: versions.length,
            } as const),
            text: [
              `several versions run: ${versions.map((version) => version || 'unknown').join(', ')}`,
              'no action needed during a roll-out; otherwise see openimctl status',
            ] as const,
          },
        ]
      : []),
  ];
  return found
    .map(alarm)
    .sort(
      (a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || (a.subject < b.subject ? -1 : 1),
    );
}
