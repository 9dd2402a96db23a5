import { MINIMUM_VERSIONS, type ServerConfig } from '@im/contract';
import { silentLogger } from '@im/process';
import { createRedisClient } from '@im/store';
import { clockFinding } from './clock.ts';
import { type Finding, fine } from './finding.ts';
import { spaceFinding } from './host.ts';
import { failureFinding, within } from './probe.ts';
import { storeVersionFinding } from './versions.ts';

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

/** Redis: reachable, version, clock, memory. It holds copies alone, so that nothing has to be durable. */
export async function redisFindings(config: ServerConfig['redis'], subject: string): Promise<Finding[]> {
  let client: ReturnType<typeof createRedisClient> | undefined;
  let failure: unknown;
  try {
    client = createRedisClient(config, silentLogger());
    client.on('error', (error: unknown) => {
      failure ??= error;
    });
    await within(client.connect());
    const sentAt = Date.now();
    const [seconds, micros] = await within(client.time());
    const answeredAt = Date.now();
    const info = await within(client.info());
    const time = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    return [
      fine('redis.reachable', subject, `answers after ${answeredAt - sentAt} ms`),
      storeVersionFinding('redis', subject, field(info, 'redis_version') ?? '0', MINIMUM_VERSIONS.redis),
      clockFinding(subject, time, { sentAt, answeredAt }, 1),
      ...memory(subject, info),
    ];
  } catch (error) {
    return [failureFinding('redis', subject, failure ?? error)];
  } finally {
    client?.disconnect();
  }
}

function memory(subject: string, info: string): Finding[] {
  const limit = Number(field(info, 'maxmemory') ?? 0);
  if (limit === 0) return [];
  const used = Number(field(info, 'used_memory') ?? 0);
  const policy = field(info, 'maxmemory_policy') ?? '';
  return [
    spaceFinding(
      'redis.memory',
      subject,
      used,
      limit,
      policy === 'noeviction'
        ? 'When it is full, writes fail: presence and limits stop working.'
        : `When it is full, entries are removed (${policy}): users look offline, and limits begin again.`,
      'Raise maxmemory.',
    ),
  ];
}
