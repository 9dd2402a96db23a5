import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Backend, externalAddress, externalBackend, type StartOptions } from './backend.ts';
import { type InstalledServer, installServer, type MongoBuild } from './install.ts';
import { replyHasTrue, runMongoCommand } from './mongo-wire.ts';
import { type ServerKind, startServer } from './server-process.ts';

export interface MongoOptions extends StartOptions {
  /** Size of the storage engine's cache. Default `256M`. */
  cacheSize?: string;
  /** Demand SCRAM-SHA-256 from clients; the user is made on the first start in this folder. Default: no authentication. */
  auth?: { user: string; password: string };
  /** Which build to run. Default: `$OPENIM_MONGO_BUILD`, else cargo's where it is installed or can be built. */
  build?: MongoBuild;
  /**
   * Fsync the log at every commit. Default true, and without it an acknowledged j:true write can be lost: only a test
   * that must see such a loss sets it false.
   */
  syncOnCommit?: boolean;
}

const USER_MARKER = 'auth-user';

/**
 * Starts the MongoDB-compatible server (SecantusDB: MongoDB's wire protocol on WiredTiger, one node that announces
 * itself as a replica set) in `options.dir`, or takes the one at `options.uri` or `$MONGO_URI`.
 */
export async function startMongo(options: MongoOptions): Promise<Backend> {
  const external = externalAddress(options, 'MONGO_URI');
  if (external !== undefined) return externalBackend('mongo', external.uri, external.source);
  const server = await installServer('mongo', { mongoBuild: options.build });
  if (options.auth !== undefined) await ensureUser(server, options, options.auth);
  return startServer(serverKind(server, options, options.auth), options);
}

function serverKind(server: InstalledServer, options: MongoOptions, auth: MongoOptions['auth']): ServerKind {
  return {
    name: 'mongo',
    server,
    portCount: 1,
    stopWithin: 60_000,
    uri: (port) => {
      if (auth === undefined) return `mongodb://127.0.0.1:${port}/`;
      const { user, password } = auth;
      return `mongodb://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/?authSource=admin`;
    },
    prepare: async (dir, [port = 0]) => {
      // An empty configuration: the server would look for one in the home folder and in /etc.
      const config = join(dir, 'secantusd.toml');
      await writeFile(config, '');
      await mkdir(join(dir, 'data'), { recursive: true });
      const args = [
        ['--config', config],
        ['--host', '127.0.0.1', '--port', `${port}`],
        ['--storage-path', join(dir, 'data')],
        ['--cache-size', options.cacheSize ?? '256M'],
        ['--log-level', 'WARNING'],
      ].flat();
      if (options.syncOnCommit ?? true) args.push('--sync-on-commit');
      if (auth !== undefined) args.push('--auth');
      return { args };
    },
    probe: async ([port = 0], signal) => {
      const reply = await runMongoCommand(port, 'admin', { hello: 1 }, signal);
      if (!replyHasTrue(reply, 'isWritablePrimary')) throw new Error('the server is not primary yet');
    },
  };
}

/** Users are made while authentication is off; a file in the folder marks that it was done. */
async function ensureUser(
  server: InstalledServer,
  options: MongoOptions,
  { user, password }: { user: string; password: string },
): Promise<void> {
  const marker = join(options.dir, USER_MARKER);
  if (
    await stat(marker).then(
      () => true,
      () => false,
    )
  )
    return;
  await using open = await startServer(serverKind(server, options, undefined), options);
  const command = { createUser: user, pwd: password, roles: [{ role: 'root', db: 'admin' }] };
  await runMongoCommand(open.port, 'admin', command, AbortSignal.timeout(10_000)).catch((error: Error) => {
    if (!/already exists/i.test(error.message)) throw error;
  });
  await writeFile(marker, `${user}\n`);
}
