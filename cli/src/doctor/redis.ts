import { MINIMUM_VERSIONS, type ServerConfig } from '@im/contract';
import { silentLogger } from '@im/process';
import { createRedisClient } from '@im/store';
import { clockFinding } from './clock.ts';
import { type Finding, fine } from './finding.ts';
import { spaceFinding } from './host.ts';
import { failureFinding, within } from './probe.ts';
import { storeVersionFinding } from './versions.ts';
import { writableFinding } from './writable.ts';

/** No tenant has keys with this name. */
const WRITTEN = 'im:-:doctor';
const WRITTEN_S = 10;

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

/** Redis: reachable, version, clock, memory, disk, takes a write. It holds copies alone, so that nothing has to be durable. */
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
      ...persistence(subject, info),
      await writableFinding('redis', subject, async () => {
        await client?.set(WRITTEN, '1', 'EX', WRITTEN_S);
      }),
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

/** Whether the last attempts of Redis to write to its disk succeeded. */
function persistence(subject: string, info: string): Finding[] {
  const check = 'redis.disk';
  const failed = (['rdb_last_bgsave_status', 'aof_last_write_status'] as const).filter(
    (name) => field(info, name) === 'err',
  );
  if (failed.length === 0) return [fine(check, subject, 'its last writes to disk succeeded')];
  return [
    {
      ...{ check, subject, severity: 'critical' },
      message: `it cannot write to its disk: ${failed.map((name) => `${name} is err`).join(', ')}`,
      meaning:
        'It refuses writes until it can (stop-writes-on-bgsave-error): presence and limits stop working.',
      remedy: 'Free space on its disk or enlarge it; its log has the reason.',
    },
  ];
}
