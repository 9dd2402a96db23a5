import type { ServerConfig } from '@im/contract';
import { fileFindings, peerFinding } from './certificates.ts';
import type { Finding } from './finding.ts';
import { mongoFindings } from './mongo.ts';
import { natsFindings } from './nats.ts';
import { redisFindings } from './redis.ts';
import { s3Findings } from './s3.ts';

/** Host and port of every address of a connection string, without its credentials. */
export function addressesOf(uri: string, standardPort: number): { host: string; port: number }[] {
  const [, hosts = ''] = /^[a-z0-9+]+:\/\/(?:[^@/]*@)?([^/?]+)/i.exec(uri) ?? [];
  return hosts.split(',').flatMap((text) => {
    const [, host, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text) ?? [];
    return host === undefined ? [] : [{ host, port: port === undefined ? standardPort : Number(port) }];
  });
}

function named(store: string, uri: string, standardPort: number): string {
  const addresses = addressesOf(uri, standardPort);
  return `${store} at ${addresses.map(({ host, port }) => `${host}:${port}`).join(',')}`;
}

/** Certificates that the stores show; NATS shows its own only within its protocol. */
async function certificates({ mongo, redis, s3 }: ServerConfig): Promise<Finding[]> {
  const encrypted = [
    ...(/[?&](tls|ssl)=true/.test(mongo.uri) || mongo.tls.caFile !== ''
      ? addressesOf(mongo.uri, 27_017)
      : []),
    ...(redis.uri.startsWith('rediss:') ? addressesOf(redis.uri, 6_379) : []),
    ...(s3.endpoint.startsWith('https:') ? addressesOf(s3.endpoint, 443) : []),
  ];
  const now = Date.now();
  const found = await Promise.all(
    encrypted.map(({ host, port }) => peerFinding(`${host}:${port}`, host, port, now)),
  );
  return found.filter((finding) => finding !== undefined);
}

/** The four stores of a config, and the certificates on both sides. */
export async function storeFindings(config: ServerConfig): Promise<Finding[]> {
  const { nats, mongo, redis, s3 } = config;
  const now = Date.now();
  const files = (['nats', 'mongo', 'redis', 's3'] as const).flatMap((section) =>
    (['caFile', 'certFile'] as const).flatMap((field) =>
      fileFindings(`${section}.tls.${field}`, config[section].tls[field], now),
    ),
  );
  const found = await Promise.all([
    mongoFindings(mongo, named('mongodb', mongo.uri, 27_017)),
    natsFindings(
      nats,
      named(
        'nats',
        nats.servers
          .map((url) => url.replace(/^[a-z]+:\/\//, ''))
          .join(',')
          .replace(/^/, 'nats://'),
        4_222,
      ),
    ),
    redisFindings(redis, named('redis', redis.uri, 6_379)),
    s3Findings(s3, named('s3', s3.endpoint, s3.endpoint.startsWith('https:') ? 443 : 80)),
    certificates(config),
  ]);
  return [...files, ...found.flat()];
}
