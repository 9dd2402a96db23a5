import { STREAM } from '@im/contract';
import type { Logger } from '@im/process';
import {
  findStream,
  isApiError,
  JetStreamApiError,
  JS_ERROR,
  jetStreamCall,
  NS_PER_MS,
} from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { DELIVERY_SUBJECTS, LOG_SUBJECTS } from './subjects.ts';
import type { BusConfig } from './types.ts';

/** How long deliveries are kept. */
export const DELIVERIES_KEPT_MS = 10 * 60_000;

type StreamConfig = Readonly<Record<string, unknown>> & { readonly name: string };

/** The streams that a bus needs. Both take atomic batches. */
export function streamConfigs(config: BusConfig): readonly StreamConfig[] {
  const both = {
    retention: 'limits',
    num_replicas: config.replicas,
    max_msgs: -1,
    max_consumers: -1,
    allow_atomic: true,
    allow_direct: true,
  };
  return [
    {
      ...both,
      name: STREAM.log,
      description: 'Accepted messages, in the order that decides',
      subjects: LOG_SUBJECTS,
      storage: config.storage,
      discard: 'new',
      max_bytes: config.logMaxBytes,
      max_age: 0,
    },
    {
      ...both,
      name: STREAM.deliveries,
      description: 'Deliveries of the last ten minutes',
      subjects: DELIVERY_SUBJECTS,
      storage: 'memory',
      discard: 'old',
      max_bytes: config.seqMaxBytes,
      max_age: DELIVERIES_KEPT_MS * NS_PER_MS,
    },
  ];
}

/**
 * Creates the streams that are missing and changes those that differ. Several processes may do it at
 * once.
 * @returns false when a stream has another size than it should, because the server has no room for it now.
 * @throws when a stream can neither be made nor used.
 */
export async function ensureStreams(link: NatsLink, config: BusConfig, log: Logger): Promise<boolean> {
  let sized = true;
  for (const wanted of streamConfigs(config)) {
    const differs = await ensureStream(link, wanted, log);
    if (differs.includes('max_bytes')) sized = false;
  }
  return sized;
}

/** Whether both streams exist. */
export async function streamsExist(link: NatsLink): Promise<boolean> {
  const { streams } = await jetStreamCall<{ streams: string[] | null }>(link, 'STREAM.NAMES');
  return [STREAM.log, STREAM.deliveries].every((name) => streams?.includes(name));
}

/** @returns the settings that could not be changed. */
async function ensureStream(link: NatsLink, wanted: StreamConfig, log: Logger): Promise<readonly string[]> {
  const found = await findStream(link, wanted.name);
  if (!found) {
    try {
      await jetStreamCall(link, `STREAM.CREATE.${wanted.name}`, wanted);
      log.info({ stream: wanted.name }, 'stream created');
    } catch (error) {
      // Another process was faster, with a config that differs: the next check decides what holds.
      if (!isApiError(error, JS_ERROR.StreamNameExists)) throw error;
    }
    return [];
  }
  const have: Readonly<Record<string, unknown>> = { ...found.config };
  const differs = Object.keys(wanted).filter((key) => !sameJson(have[key], wanted[key]));
  if (differs.length === 0) return [];
  try {
    await jetStreamCall(link, `STREAM.UPDATE.${wanted.name}`, { ...have, ...wanted });
    log.info({ stream: wanted.name, differs }, 'stream changed');
    return [];
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    // A storage type cannot be changed, and replicas need servers: the stream as it is still works.
    log.error({ stream: wanted.name, differs, err: error }, 'stream differs from the configuration');
    return differs;
  }
}

/** Absent and the server's zero value are the same. */
function sameJson(have: unknown, wanted: unknown): boolean {
  if (have === undefined) return wanted === 0 || wanted === false || wanted === '';
  return JSON.stringify(have) === JSON.stringify(wanted);
}
