import { probeNats } from '@im/bus';
import { LOG_SHARE, MINIMUM_VERSIONS, type ServerConfig, STREAM, spareCopies } from '@im/contract';
import { silentLogger } from '@im/process';
import { clockFinding } from './clock.ts';
import { type Finding, fine } from './finding.ts';
import { bytes } from './host.ts';
import { failureFinding, PROBE_MS, within } from './probe.ts';
import { storeVersionFinding } from './versions.ts';
import { writableFinding } from './writable.ts';

/** NATS: reachable, version, JetStream, clock, durability and space of the message log, takes a write. */
export async function natsFindings(config: ServerConfig['nats'], subject: string): Promise<Finding[]> {
  try {
    const { version, jetStream, log, sentAt, answeredAt, writeFailure } = await within(
      probeNats(config, silentLogger(), PROBE_MS),
      5 * PROBE_MS,
    );
    const found = [
      fine('nats.reachable', subject, 'answers'),
      storeVersionFinding('nats', subject, version, MINIMUM_VERSIONS.nats),
    ];
    if (jetStream === 'leaderless') {
      return [
        ...found,
        {
          ...{ check: 'nats.majority', subject, severity: 'critical' },
          message: 'a server answers, but too few of its cluster are running for a majority',
          meaning:
            'No message is accepted until a majority is back; clients retry, and no acknowledged message is lost.',
          remedy: 'Start the missing servers. They need their volumes; their logs say what they wait for.',
        },
      ];
    }
    if (jetStream === 'off') {
      return [
        ...found,
        {
          ...{ check: 'nats.jetstream', subject, severity: 'critical' },
          message: 'JetStream does not answer',
          meaning: 'No message is accepted.',
          remedy:
            'Enable it in the configuration of the server (jetstream { store_dir: ... }), and allow the user to use it.',
        },
      ];
    }
    if (log === undefined) {
      return [
        ...found,
        {
          ...{ check: 'nats.log', subject, severity: 'unknown' },
          message: `there is no stream ${STREAM.log} yet`,
          meaning: '',
          remedy: 'Start the server: it makes the stream.',
        },
      ];
    }
    return [
      ...found,
      clockFinding(subject, log.time, { sentAt, answeredAt }, 1),
      ...durability(subject, log),
      fullness(subject, log.bytes, log.maxBytes),
      await writableFinding('nats', subject, async () => {
        if (writeFailure !== undefined) throw writeFailure;
      }),
    ];
  } catch (error) {
    return [failureFinding('nats', subject, error)];
  }
}

function durability(
  subject: string,
  {
    storage,
    replicas,
    current,
  }: { readonly storage: string; readonly replicas: number; readonly current: number },
): Finding[] {
  const check = 'nats.durability';
  const remedy =
    'For production use three servers with nats.replicas 3 and sync_interval: always (docs/operations/external-stores.md).';
  if (storage === 'memory' && replicas < 3) {
    return [
      {
        ...{ check, subject, severity: 'critical', remedy },
        message: `the message log is in the memory of ${replicas === 1 ? 'one server' : `${replicas} servers`}`,
        meaning: 'Acknowledged messages that are not stored yet are lost with it.',
      },
    ];
  }
  if (current < replicas) return [missingCopies(subject, replicas, current)];
  if (replicas >= 3) return [fine(check, subject, `${replicas} copies of the message log, in ${storage}s`)];
  return [
    {
      ...{ check, subject, severity: 'warning', remedy },
      message: 'one copy of the message log',
      meaning:
        'Acknowledged messages that are not stored yet are on one disk; while the server is down, none is accepted.',
    },
  ];
}

function missingCopies(subject: string, replicas: number, current: number): Finding {
  const spare = spareCopies(current, replicas);
  return {
    ...{ check: 'nats.copies', subject, severity: spare < 0 ? 'critical' : 'warning' },
    message: `${current} of ${replicas} copies of the message log are up to date`,
    meaning:
      spare < 0
        ? 'No message is accepted until a majority is back; clients retry.'
        : spare === 0
          ? 'Messages are accepted and safe, but if another server fails, none is accepted.'
          : `Messages are accepted and safe, and ${spare} more servers may fail.`,
    remedy: 'Start the missing NATS servers, or wait until they have caught up.',
  };
}

function fullness(subject: string, used: number, size: number): Finding {
  const check = 'nats.log';
  const share = size > 0 ? used / size : 0;
  const message = `the message log is ${Math.round(share * 100)} % full of ${bytes(size)}`;
  if (share < LOG_SHARE.alarm) return fine(check, subject, message);
  return {
    ...{ check, subject, message, severity: share >= LOG_SHARE.refuse ? 'critical' : 'warning' },
    meaning: `From ${LOG_SHARE.refuse * 100} % on messages are refused.`,
    remedy: 'Look at why messages are not stored (docs/troubleshooting.md), or raise nats.logMaxBytes.',
  };
}
