import type { SecureContext } from 'node:tls';
import type { TlsConfig } from '@im/contract';
import { Backoff, type Metrics, unlessAborted } from '@im/kit';
import { type Logger, tlsContext } from '@im/process';
import { type Document, MongoClient, type MongoClientOptions, type TopologyDescription } from 'mongodb';

/** How long an operation waits for a primary before it fails with a retryable error. */
const SERVER_SELECTION_MS = 5_000;
const SOCKET_TIMEOUT_MS = 15_000;
const WRITABLE = new Set<string>(['RSPrimary', 'Standalone', 'Mongos', 'LoadBalancer']);

/** Settings of the connection. */
export interface MongoConfig {
  readonly uri: string;
  readonly maxPoolSize: number;
  readonly tls?: TlsConfig;
}

/** What every client needs to reach the servers. */
export interface MongoAddress {
  readonly uri: string;
  /** For TLS with other certificates than the system's. */
  readonly tls?: SecureContext | undefined;
}

/** @throws Error that names the setting whose file cannot be used. */
export function mongoAddress({ uri, tls }: Pick<MongoConfig, 'uri' | 'tls'>, log: Logger): MongoAddress {
  return { uri, tls: tlsContext(tls, 'mongo.tls', log) };
}

/** A command as it was sent. */
export interface SentCommand {
  readonly database: string;
  readonly command: Document;
}

/** The driver's client, and whether a server that takes writes is known now. */
export interface MongoConnection {
  readonly client: MongoClient;
  /** True from the first connection on: operations before it would spoil the driver's client for good. */
  readonly connected: boolean;
  readonly up: boolean;
  /** Connects for the first time, however long that takes; the driver keeps the connection from then on. */
  connect(signal: AbortSignal): Promise<void>;
}

/** What every client of this product is made with. */
export function clientOptions(maxPoolSize: number, tls?: SecureContext): MongoClientOptions {
  return {
    ...(tls && { tls: true, secureContext: tls }),
    appName: 'openim',
    maxPoolSize,
    serverSelectionTimeoutMS: SERVER_SELECTION_MS,
    connectTimeoutMS: SERVER_SELECTION_MS,
    waitQueueTimeoutMS: SERVER_SELECTION_MS,
    socketTimeoutMS: SOCKET_TIMEOUT_MS,
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
    retryReads: true,
    retryWrites: true,
    ignoreUndefined: true,
  };
}

/** A client that reports every command when there is a listener. Nothing is connected yet. */
export function createMongoClient(
  { uri, tls }: MongoAddress,
  maxPoolSize: number,
  onCommand?: (command: SentCommand) => void,
  options: Pick<MongoClientOptions, 'socketTimeoutMS'> = {},
): MongoClient {
  const client = new MongoClient(uri, {
    ...clientOptions(maxPoolSize, tls),
    ...options,
    monitorCommands: onCommand !== undefined,
  });
  if (onCommand) {
    client.on('commandStarted', ({ databaseName, command }) =>
      onCommand({ database: databaseName, command }),
    );
  }
  return client;
}

/**
 * Makes the client; nothing is connected yet. Reads come from the primary at majority, writes wait
 * for the majority's journal.
 * @throws MongoParseError for a bad URI.
 */
export function mongoConnection(
  address: MongoAddress,
  maxPoolSize: number,
  deps: { log: Logger; metrics: Metrics; onCommand?: (command: SentCommand) => void },
): MongoConnection {
  const client = createMongoClient(address, maxPoolSize, deps.onCommand);
  let up = false;
  client.on('topologyDescriptionChanged', (event) => {
    const writable = hasWritableServer(event.newDescription);
    if (writable !== up) deps.log[writable ? 'info' : 'warn']({ mongo: writable }, 'database state changed');
    up = writable;
  });
  deps.metrics.observe('openim_store_mongo_up', 'A MongoDB server that takes writes is known', () =>
    up ? 1 : 0,
  );
  let inUse = 0;
  client.on('connectionCheckedOut', () => inUse++);
  client.on('connectionCheckedIn', () => inUse--);
  deps.metrics.observe(
    'openim_store_mongo_connections_in_use',
    'MongoDB connections that carry an operation',
    () => inUse,
  );
  let connected = false;
  return {
    client,
    get connected() {
      return connected;
    },
    get up() {
      return up;
    },
    async connect(signal) {
      const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
      while (!connected) {
        signal.throwIfAborted();
        try {
          await unlessAborted(client.connect(), signal);
          connected = true;
        } catch (error) {
          signal.throwIfAborted();
          deps.log.warn({ err: error }, 'the database is unavailable');
          await backoff.wait(signal);
        }
      }
    },
  };
}

function hasWritableServer(topology: TopologyDescription): boolean {
  for (const server of topology.servers.values()) if (WRITABLE.has(server.type)) return true;
  return false;
}
