import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { reservePorts, runCommand, startBackends } from '@im/dev-stores';
import { productVersion } from '@im/process';
import { unpackDebian, whyNoDebianFiles } from '../image/debian-files.ts';
import { NON_ROOT, OWN_ARCHITECTURE, type WrittenImage } from '../image/image.ts';
import { buildProductImage } from '../image/product-image.ts';

/** Longest wait for an answer, also under emulation, which takes ten times as long. */
const SERVING_MS = 600_000;
/** With a download and two builds of the image. */
const EMULATED_MS = 1_800_000;
const obstacle = await whyNoDebianFiles();
/** Fetches another Node and an emulator, 60 MB. */
const SKIPPED = process.env.FULL === '1' ? (obstacle ?? false) : 'needs FULL=1';
const ROOT = join(import.meta.dirname, '../../../..');
let dir: string;
let app: string;
let image: WrittenImage;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openim-product-'));
  await chmod(dir, 0o755);
  app = join(dir, 'app');
  await runCommand(process.execPath, [join(ROOT, 'tools/bundle.ts'), '--out', app, 'im']);
  image = await buildProductImage({ file: join(dir, 'image.tar'), app });
});
after(() => rm(dir, { recursive: true, force: true }));

/** The files of the image as a container sees them. */
async function unpacked(): Promise<{ root: string; config: Record<string, unknown> }> {
  const outer = join(dir, 'outer');
  const root = join(dir, 'root');
  await mkdir(outer);
  await mkdir(root);
  await runCommand('tar', ['-xf', image.file, '-C', outer]);
  const blob = (digest: string) => join(outer, 'blobs', digest.replace(':', '/'));
  const manifest = JSON.parse(await readFile(blob(image.digest), 'utf8'));
  const { config } = JSON.parse(await readFile(blob(manifest.config.digest), 'utf8'));
  await runCommand('tar', ['-xf', blob(manifest.layers[0].digest), '-C', root]);
  return { root, config };
}

test('the name says what is inside: the same files give the same, a change another', async () => {
  assert.match(
    image.name,
    new RegExp(`^docker\\.io/openim/openim-operator:${productVersion()}-[0-9a-f]{12}$`),
  );
  const again = await buildProductImage({ file: join(dir, 'again.tar'), app });
  assert.deepEqual([again.name, again.digest], [image.name, image.digest]);
  await appendFile(join(app, 'im.mjs'), '\n');
  const changed = await buildProductImage({ file: join(dir, 'changed.tar'), app });
  assert.notEqual(changed.name, image.name);
  assert.notEqual(changed.digest, image.digest);
});

test('a user without rights runs it, with nothing else and nothing to write to', async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip('only root can make a container by hand');
    return;
  }
  const { root, config } = await unpacked();
  assert.equal(config.User, `${NON_ROOT}:${NON_ROOT}`);
  const entrypoint = config.Entrypoint as string[];
  assert.ok(!(await readdir(root)).includes('bin'), 'there is no shell');
  assert.equal((await stat(join(root, 'app'))).mode & 0o022, 0, 'the program cannot be changed');
  await untilAnswering('chroot', {
    args: [`--userspec=${NON_ROOT}:${NON_ROOT}`, root, ...entrypoint],
    env: config.Env as string[],
    roles: ['gateway', 'cron'],
    path: '/healthz',
    endsInOrder: true,
  });
});

/** Roles of an image, and how they are started. */
interface Started {
  readonly args: readonly string[];
  /** `NAME=value`, as images have them. */
  readonly env: readonly string[];
  readonly roles: readonly string[];
  /** Page of the ops port that is to be answered with 200. */
  readonly path: '/healthz' | '/readyz';
  /** Whether it is to end by SIGTERM with 0, which takes too long under emulation. */
  readonly endsInOrder: boolean;
}

/** Starts roles of an image, waits until a page is answered, and stops them. */
async function untilAnswering(
  command: string,
  { args, env, roles, path, endsInOrder }: Started,
): Promise<void> {
  await using reserved = await reservePorts(3);
  const [port, api, gateway] = reserved.ports;
  const child = spawn(command, [...args, 'serve', ...roles], {
    cwd: dir,
    stdio: ['ignore', 'inherit', 'pipe'],
    env: {
      ...Object.fromEntries(
        env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
      ),
      OPENIM_OPS_PORT: String(port),
      OPENIM_API_PORT: String(api),
      OPENIM_GATEWAY_PORT: String(gateway),
      OPENIM_LISTEN_HOST: '127.0.0.1',
      OPENIM_SHUTDOWN_DEADLINE_MS: '10000',
    },
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const exited = once(child, 'exit');
  try {
    let last = '';
    for (const end = Date.now() + SERVING_MS; child.exitCode === null && Date.now() < end; await sleep(50)) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
      last = (await answer?.text()) ?? '';
      if (answer?.ok) break;
    }
    const { ok } = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => ({ ok: false }));
    assert.ok(ok, `${last}\n${said}`);
    assert.match(said, /"services":\[/);
  } finally {
    child.kill(endsInOrder ? 'SIGTERM' : 'SIGKILL');
    assert.deepEqual(await exited, endsInOrder ? [0, null] : [null, 'SIGKILL'], said);
  }
}

test('one index is for amd64 and arm64, twice the same, and its arm64 image serves all roles under emulation', {
  skip: SKIPPED,
  timeout: EMULATED_MS,
}, async (t) => {
  const architectures = ['amd64', 'arm64'] as const;
  const build = (name: string) => buildProductImage({ file: join(dir, name), app, architectures });
  const [index, again] = [await build('index.tar'), await build('index-again.tar')];
  assert.deepEqual([again.name, again.digest], [index.name, index.digest]);
  const outer = join(dir, 'index');
  const root = join(dir, 'arm64');
  await mkdir(outer);
  await mkdir(root);
  await runCommand('tar', ['-xf', index.file, '-C', outer]);
  const read = async (digest: string) =>
    JSON.parse(await readFile(join(outer, 'blobs', digest.replace(':', '/')), 'utf8'));
  const { manifests } = await read(index.digest);
  const arm64 = manifests.find(
    ({ platform }: { platform: { architecture: string } }) => platform.architecture === 'arm64',
  );
  const { layers, config } = await read(arm64.digest);
  await runCommand('tar', ['-xf', join(outer, 'blobs', layers[0].digest.replace(':', '/')), '-C', root]);
  const emulator = join(dir, 'emulator');
  await unpackDebian(['qemu-user-static'], OWN_ARCHITECTURE, join(dir, 'debian'), emulator);
  const qemu = join(emulator, 'usr/bin/qemu-aarch64-static');
  const node = ['-L', root, join(root, 'usr/bin/node')];
  assert.equal(await runCommand(qemu, [...node, '-p', 'process.arch']), 'arm64\n');
  const { Env, Entrypoint } = (await read(config.digest)).config;
  const [, ...rest] = Entrypoint as string[];
  const inRoot = rest.map((word) => (word.startsWith('/') ? join(root, word) : word));
  const program = [...node, ...inRoot];
  assert.equal(
    await runCommand(qemu, [...program, 'version']),
    `openim ${productVersion()} node ${process.version} linux/arm64\n`,
  );
  await using stores = await startBackends({
    dir: join(dir, 'stores'),
    only: ['nats', 'mongo', 'redis', 's3'],
  });
  const { nats, mongo, redis, s3 } = stores;
  const startedAt = performance.now();
  await untilAnswering(qemu, {
    args: program,
    env: [
      ...Env,
      `OPENIM_NATS_SERVERS=${nats.uri}`,
      `OPENIM_MONGO_URI=${mongo.uri}`,
      `OPENIM_REDIS_URI=${redis.uri}`,
      `OPENIM_S3_ENDPOINT=${s3.endpoint}`,
      `OPENIM_S3_ACCESS_KEY=${s3.accessKey}`,
      `OPENIM_S3_SECRET_KEY=${s3.secretKey}`,
    ],
    roles: ['all'],
    path: '/readyz',
    endsInOrder: false,
  });
  t.diagnostic(`arm64: all roles ready after ${Math.round((performance.now() - startedAt) / 1_000)} s`);
});
