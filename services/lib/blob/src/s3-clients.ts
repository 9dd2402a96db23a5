import type { Agent as HttpAgent } from 'node:http';
import { Agent } from 'node:https';
import type { SecureContext } from 'node:tls';
import type { ServerConfig } from '@im/contract';
import { Client } from 'minio';
import type { Signer } from './presign.ts';
import type { Credentials } from './role-credentials.ts';

/** Clients that sign with the same credentials. */
export interface S3Clients {
  /** For requests of the server. */
  readonly inside: Client;
  /** Signs for the address of clients; it sends nothing. */
  readonly outside: Client;
  /** Signs uploads. */
  readonly signer: Signer;
}

/** Addresses of the storage. */
export type S3Addresses = Pick<ServerConfig['s3'], 'endpoint' | 'externalEndpoint' | 'region' | 'pathStyle'>;

/**
 * Makes clients for credentials. They share connections.
 * @param agent makes the connections of requests of the server. @default the one of the process without `tls`
 * @throws for an endpoint that is no URL.
 */
export function s3Clients(
  { endpoint, externalEndpoint, region, pathStyle }: S3Addresses,
  tls: SecureContext | undefined,
  // A resumed session would go on with the certificates of the former one.
  agent: HttpAgent | undefined = tls &&
    new Agent({ keepAlive: true, secureContext: tls, maxCachedSessions: 0 }),
): (credentials: Credentials) => S3Clients {
  const [inside, outside] = [
    new URL(endpoint),
    new URL(externalEndpoint === '' ? endpoint : externalEndpoint),
  ];
  const connect = (url: URL, credentials: Credentials, transportAgent?: HttpAgent) =>
    new Client({
      endPoint: url.hostname,
      port: url.port === '' ? undefined : Number(url.port),
      useSSL: url.protocol === 'https:',
      ...credentials,
      region,
      pathStyle,
      ...(transportAgent && { transportAgent }),
    });
  let made: { readonly credentials: Credentials; readonly clients: S3Clients } | undefined;
  return (credentials) => {
    if (made?.credentials === credentials) return made.clients;
    const { accessKey, secretKey, sessionToken } = credentials;
    const keys = { accessKey, secretKey, ...(sessionToken !== undefined && { sessionToken }) };
    const clients = {
      inside: connect(inside, keys, agent),
      outside: connect(outside, keys),
      signer: { endpoint: outside.href, region, pathStyle, ...keys },
    };
    made = { credentials, clients };
    return clients;
  };
}
