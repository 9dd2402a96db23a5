import type { ProcessStatus } from '@im/contract';
import { eachLimited, messageOf } from '@im/kit';
import type { OpsPages } from '../cluster/ops-pages.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { type Asked, clockFinding } from './clock.ts';
import { type Finding, fine } from './finding.ts';
import { descriptorFinding } from './host.ts';
import { parseMetrics, sumOf } from './metrics-text.ts';
import { reached, THRESHOLDS } from './thresholds.ts';

const TIMEOUT_MS = 5_000;
/** Longest page of metrics that is read, in bytes. */
const MAX_METRICS = 16_777_216;

/** A page of an ops port as text. @throws Error with the status of a refusal. */
export async function opsText(ops: string, path: string): Promise<string> {
  const response = await fetch(`${ops}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await response.text();
  if (text.length > MAX_METRICS) throw new Error(`${path} has ${text.length} characters`);
  if (!response.ok) throw new Error(`${path} answers ${response.status}: ${text.slice(0, 200)}`);
  return text;
}

/** What a process says of itself. */
interface Look {
  readonly ops: string;
  readonly asked?: Asked;
  readonly status?: ProcessStatus;
  readonly limit?: number | undefined;
  readonly open?: number | undefined;
  readonly problem?: string;
  /** The right to ask it is missing. */
  readonly isRefused?: boolean;
}

async function look({ name: ops, page }: OpsPages): Promise<Look> {
  try {
    const sentAt = Date.now();
    const status = JSON.parse(await page('status')) as ProcessStatus;
    const answeredAt = Date.now();
    const samples = parseMetrics(await page('metrics'));
    return {
      ...{ ops, status, asked: { sentAt, answeredAt }, limit: sumOf(samples, 'process_max_fds') },
      open: sumOf(samples, 'process_open_fds'),
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const isRefused = error instanceof CommandError && error.exitCode === EXIT.refused;
    return { ops, problem: messageOf(cause), isRefused };
  }
}

/** One finding for all, since one right is missing. */
function ofRefused(refused: readonly Look[]): Finding[] {
  const [first] = refused;
  if (first === undefined) return [];
  const subject = refused.length === 1 ? first.ops : `${refused.length} processes`;
  return [
    {
      ...{ check: 'process.reachable', subject, severity: 'unknown', message: first.problem ?? '' },
      ...{ meaning: '', remedy: 'Ask for this right, or have someone who has it run the command.' },
    },
  ];
}

function ofProcess({ ops, status, asked, limit, open, problem = '' }: Look): Finding[] {
  if (status === undefined) {
    return [
      {
        ...{ check: 'process.reachable', subject: ops, severity: 'critical' },
        message: `no answer: ${problem}`,
        meaning: 'It is down, or it cannot be reached from here.',
        remedy: 'Look at its log; the port is ops.port of the config.',
      },
    ];
  }
  const subject = `${status.roles.join(',')} at ${ops}`;
  const delay = status.eventLoopDelayMs;
  const slow = reached(delay, THRESHOLDS.eventLoopMs);
  const { invalidTenants, transfer } = status;
  return [
    status.ready
      ? fine('process.ready', subject, 'ready')
      : {
          ...{ check: 'process.ready', subject, severity: 'critical' },
          message: `not ready: ${status.reason ?? 'no reason given'}`,
          meaning: 'It takes no requests.',
          remedy: 'Correct what the reason names; the other findings say how.',
        },
    ...(status.unavailable === undefined
      ? []
      : [
          {
            ...{ check: 'process.degraded', subject, severity: 'warning' as const },
            message: status.unavailable,
            meaning: 'It is ready, and does without this for now.',
            remedy: 'Correct what the message names.',
          },
        ]),
    slow === 'ok'
      ? fine('process.delay', subject, `event loop at most ${delay} ms late`)
      : {
          ...{ check: 'process.delay', subject, severity: slow },
          message: `its event loop is ${delay} ms late`,
          meaning: 'Everything that it does is delayed by that.',
          remedy: 'Give it more CPU, or start more processes of its role.',
        },
    ...(status.time === undefined || asked === undefined
      ? []
      : [clockFinding(subject, status.time, asked, 1)]),
    ...(limit === undefined ? [] : [descriptorFinding(subject, limit, open)]),
    ...(invalidTenants === undefined || invalidTenants.count === 0
      ? []
      : [
          {
            ...{ check: 'process.tenants', subject, severity: 'warning' as const },
            message: `${invalidTenants.count} tenants are invalid: ${invalidTenants.faults
              .slice(0, 3)
              .map(({ id = '?', field, reason }) => `${id}: ${field}: ${reason}`)
              .join('; ')}`,
            meaning: 'Their clients are refused, or they keep the settings from before.',
            remedy: 'Correct their entries; openimctl config check names all faults.',
          },
        ]),
    ...(transfer === undefined || transfer.parkedRecords === 0
      ? []
      : [
          {
            ...{ check: 'process.parked', subject, severity: 'warning' as const },
            message: `${transfer.parkedRecords} records of ${transfer.parkedTenants} tenants and ${transfer.parkedConversations} conversations wait, since they cannot be stored`,
            meaning: 'Their members do not get these messages until they can.',
            remedy: 'See docs/troubleshooting.md on parked messages.',
          },
        ]),
  ];
}

/** Whether all processes, and openimctl itself, have the same version. */
function skew(looks: readonly Look[], own: string): Finding[] {
  const versions = new Map<string, string[]>();
  for (const { ops, status } of looks) {
    if (status) versions.set(status.version, [...(versions.get(status.version) ?? []), ops]);
  }
  if (versions.size === 0) return [];
  const names = [...versions.keys()].sort();
  if (versions.size > 1) {
    return [
      {
        ...{ check: 'version.skew', subject: 'processes', severity: 'warning' },
        message: `they have versions ${names.join(' and ')}`,
        meaning: 'That is meant to last for the time of an upgrade only.',
        remedy: `Finish the upgrade; of the oldest are: ${(versions.get(names[0] ?? '') ?? []).join(', ')}`,
      },
    ];
  }
  if (names[0] === own) return [fine('version.skew', 'processes', `all are ${own}, as is openimctl`)];
  return [
    {
      ...{ check: 'version.skew', subject: 'openimctl', severity: 'warning' },
      message: `openimctl is ${own}, the processes are ${names[0]}`,
      meaning: 'Commands may ask for what the server does not know, or not know what it answers.',
      remedy: `Use openimctl ${names[0]}.`,
    },
  ];
}

/** Processes that are asked at the same time. */
const AT_ONCE = 16;

/** A process by the URL of its ops port, such as `http://127.0.0.1:10300`. */
export function opsPagesAt(url: string): OpsPages {
  return { name: url, page: (path) => opsText(url, `/${path}`) };
}

/** Processes by their ops ports. @param own version of openimctl */
export async function processFindings(processes: readonly OpsPages[], own: string): Promise<Finding[]> {
  const looks: Look[] = [];
  await eachLimited(processes, AT_ONCE, async (process) => {
    looks.push(await look(process));
  });
  looks.sort((a, b) => (a.ops < b.ops ? -1 : 1));
  const [refused, answered] = [
    looks.filter(({ isRefused }) => isRefused),
    looks.filter(({ isRefused }) => !isRefused),
  ];
  return [...ofRefused(refused), ...answered.flatMap(ofProcess), ...skew(looks, own)];
}
