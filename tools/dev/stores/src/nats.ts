import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Backend, externalAddress, externalBackend, type StartOptions } from './backend.ts';
import { installServer } from './install.ts';
import { type ServerKind, startServer } from './server-process.ts';
import { readUntil, withConnection } from './tcp-probe.ts';
import { isAtLeast, versionIn } from './versions.ts';

/** The oldest NATS server that has what the bus uses (atomic batch publish); older ones ignore it in silence. */
export const MINIMUM_NATS = '2.12.0';

export interface NatsOptions extends StartOptions {
  /** Fsync before every JetStream acknowledgement (`sync_interval: always`). Default true. */
  syncAlways?: boolean;
  /** Largest message in bytes. Default 8 MiB. */
  maxPayload?: number;
  /** Limit of all memory streams in bytes. Default 2 GiB. */
  maxMemoryStore?: number;
  /** Limit of all file streams in bytes. Default 16 GiB. */
  maxFileStore?: number;
  /** Lines added to the end of the server's configuration. */
  extraConfig?: string;
}

const MIB = 1024 * 1024;

/**
 * Starts a NATS server with JetStream in `options.dir`, or takes the one at `options.uri` or `$NATS_URL`.
 * Throws when the server is older than 2.12.
 */
export async function startNats(options: NatsOptions): Promise<Backend> {
  const external = externalAddress(options, 'NATS_URL');
  if (external !== undefined) {
    await checkExternalVersion(external.uri, external.source);
    return externalBackend('nats', external.uri, external.source);
  }
  const kind: ServerKind = {
    name: 'nats',
    server: await installServer('nats'),
    portCount: 1,
    stopWithin: 20_000,
    uri: (port) => `nats://127.0.0.1:${port}`,
    prepare: async (dir, [port = 0]) => {
      const path = join(dir, 'nats.conf');
      await writeFile(path, configuration(options, dir, port));
      return { args: ['--config', path] };
    },
    probe: ([port = 0], signal) => probeJetStream(port, signal),
  };
  return startServer(kind, options);
}

function configuration(options: NatsOptions, dir: string, port: number): string {
  return `server_name: openim-${port}
host: 127.0.0.1
port: ${port}
max_payload: ${options.maxPayload ?? 8 * MIB}
jetstream {
  store_dir: ${JSON.stringify(join(dir, 'store'))}
  sync_interval: ${(options.syncAlways ?? true) ? 'always' : '2m'}
  max_memory_store: ${options.maxMemoryStore ?? 2048 * MIB}
  max_file_store: ${options.maxFileStore ?? 16 * 1024 * MIB}
}
${options.extraConfig ?? ''}
`;
}

/** JetStream answers its own API: the server has recovered its streams and can store. */
async function probeJetStream(port: number, signal: AbortSignal): Promise<void> {
  await withConnection('127.0.0.1', port, signal, async (socket) => {
    checkVersion(await readUntil(socket, infoVersion), `the NATS server on port ${port}`);
    socket.write(
      'CONNECT {"verbose":false}\r\nSUB probe.answer 1\r\nPUB $JS.API.INFO probe.answer 0\r\n\r\n',
    );
    const answer = await readUntil(
      socket,
      (bytes) => /MSG probe\.answer 1 \d+\r\n(.*)\r\n/.exec(bytes.toString())?.[1],
    );
    if (answer.includes('"error"')) throw new Error(`JetStream is not ready: ${answer}`);
  });
}

/** Every NATS server sends its version before TLS or authentication; WebSocket addresses are not checked. */
async function checkExternalVersion(uri: string, source: string): Promise<void> {
  const first = uri.split(',')[0]?.trim() ?? '';
  if (/^wss?:/.test(first)) return;
  const url = URL.parse(first.includes('://') ? first : `nats://${first}`);
  if (url === null) throw new Error(`the NATS address (${source}) is not a URL: ${JSON.stringify(first)}`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const version = await withConnection(host, Number(url.port || 4222), AbortSignal.timeout(5_000), (socket) =>
    readUntil(socket, infoVersion),
  ).catch((error: Error) => {
    throw new Error(`no NATS server at ${url.host} (${source}): ${error.message}`, { cause: error });
  });
  checkVersion(version, `the NATS server at ${url.host} (${source})`);
}

function infoVersion(bytes: Buffer): string | undefined {
  const text = bytes.toString();
  if (!text.includes('\r\n')) return undefined;
  return versionIn(/"version":"([^"]+)"/.exec(text)?.[1] ?? '') ?? '0';
}

function checkVersion(version: string, what: string): void {
  if (!isAtLeast(version, MINIMUM_NATS))
    throw new Error(`${what} is ${version}; ${MINIMUM_NATS} or newer is needed`);
}
