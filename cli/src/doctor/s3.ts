import { probeBlob } from '@im/blob';
import type { ServerConfig } from '@im/contract';
import { silentLogger } from '@im/process';
import { clockFinding } from './clock.ts';
import { type Finding, fine } from './finding.ts';
import { failureFinding, PROBE_MS, within } from './probe.ts';
import { writableFinding } from './writable.ts';

/** Object storage: reachable, credentials, clock, takes a write. */
export async function s3Findings(config: ServerConfig['s3'], subject: string): Promise<Finding[]> {
  if (config.credentials === 'role') {
    return [
      {
        ...{ check: 's3.reachable', subject, severity: 'unknown' },
        message: 'credentials are those of the role of the process',
        meaning: '',
        remedy: 'Run openimctl where processes run, or look at /readyz of the API.',
      },
    ];
  }
  try {
    const { time, sentAt, answeredAt, write } = await within(probeBlob(config, silentLogger(), PROBE_MS));
    return [
      fine('s3.reachable', subject, `answers after ${answeredAt - sentAt} ms`),
      ...(time === undefined ? [] : [clockFinding(subject, time, { sentAt, answeredAt }, 1_000)]),
      ...(write === undefined ? [] : [await writableFinding('s3', subject, write)]),
    ];
  } catch (error) {
    return [failureFinding('s3', subject, error)];
  }
}
