import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { Socket } from 'node:net';
import { DEFAULT_TENANT, type ServerConfig } from '@im/contract';
import { type Logger, tlsContext } from '@im/process';
import { bucketName } from './buckets.ts';
import { s3Clients } from './s3-clients.ts';

/** Name of the object that {@link BlobProbe.write} writes: names of tenants have no dot. */
const WRITTEN = '.openim-doctor';

/** What one look at the object storage finds. */
export interface BlobProbe {
  /** Its clock by the Date header, ms since the epoch, in whole seconds; undefined where it sends none. */
  readonly time: number | undefined;
  /** Writes an object and removes it; undefined while there is no bucket, or none of the default tenant. */
  readonly write: (() => Promise<void>) | undefined;
  readonly sentAt: number;
  readonly answeredAt: number;
}

/**
 * Looks at the object storage once, for diagnosis: signs a request with the configured keys.
 * @throws Error where it does not answer, or refuses the keys.
 */
export async function probeBlob(
  { endpoint, externalEndpoint, region, pathStyle, tls, ...settings }: ServerConfig['s3'],
  log: Logger,
  timeoutMs: number,
): Promise<BlobProbe> {
  const { accessKey, secretKey, sessionToken } = settings;
  const bucket = settings.bucketPerTenant ? bucketName(settings.bucket, DEFAULT_TENANT) : settings.bucket;
  const credentials = { accessKey, secretKey, ...(sessionToken !== '' && { sessionToken }) };
  const secureContext = tlsContext(tls, 's3.tls', log);
  const isEncrypted = endpoint.startsWith('https:');
  const agent = isEncrypted ? new SecureAgent({ ...(secureContext && { secureContext }) }) : new Agent();
  const addresses = { endpoint, externalEndpoint, region, pathStyle };
  const { inside } = s3Clients(addresses, secureContext, withoutHold(agent))(credentials);
  const sentAt = Date.now();
  // Whether the bucket is there does not matter: the server makes it. A refusal of the keys is an error.
  const exists = await inside.bucketExists(bucket);
  const answeredAt = Date.now();
  const time = await clockOf(endpoint, timeoutMs);
  const write = async () => {
    await inside.putObject(bucket, WRITTEN, 'x', 1);
    await inside.removeObject(bucket, WRITTEN);
  };
  return {
    ...{ time, sentAt, answeredAt: Math.max(answeredAt, Date.now()) },
    write: exists ? write : undefined,
  };
}

/** Makes connections that keep no process alive: a storage without room leaves requests unanswered for minutes. */
function withoutHold(agent: Agent): Agent {
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const connection = create(options, callback);
    if (connection instanceof Socket) connection.unref();
    return connection;
  };
  return agent;
}

/** The clock of the store, from an unsigned request: every answer has it. */
async function clockOf(endpoint: string, timeoutMs: number): Promise<number | undefined> {
  try {
    const { headers, body } = await fetch(endpoint, {
      method: 'HEAD',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await body?.cancel();
    const time = Date.parse(headers.get('date') ?? '');
    return Number.isNaN(time) ? undefined : time;
  } catch {
    return undefined;
  }
}
