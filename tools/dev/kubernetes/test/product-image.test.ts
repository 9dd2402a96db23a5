import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { reservePorts, runCommand } from '@im/dev-stores';
import { productVersion } from '@im/process';
import { NON_ROOT, type WrittenImage } from '../image/image.ts';
import { buildProductImage } from '../image/product-image.ts';

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
  await using reserved = await reservePorts(1);
  const [port] = reserved.ports;
  const child = spawn(
    'chroot',
    [`--userspec=${NON_ROOT}:${NON_ROOT}`, root, ...entrypoint, 'serve', 'gateway', 'cron'],
    {
      cwd: dir,
      stdio: ['ignore', 'inherit', 'pipe'],
      env: {
        ...Object.fromEntries((config.Env as string[]).map((pair) => pair.split('='))),
        OPENIM_OPS_PORT: String(port),
        OPENIM_GATEWAY_PORT: '0',
        OPENIM_LISTEN_HOST: '127.0.0.1',
        OPENIM_SHUTDOWN_DEADLINE_MS: '1000',
      },
    },
  );
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const exited = once(child, 'exit');
  try {
    let healthy = false;
    for (const end = Date.now() + 20_000; !healthy && child.exitCode === null && Date.now() < end; ) {
      healthy = await fetch(`http://127.0.0.1:${port}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
      await sleep(20);
    }
    assert.ok(healthy, said);
    assert.match(said, /"services":\["cron","gateway"\]/);
  } finally {
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null], said);
  }
});
