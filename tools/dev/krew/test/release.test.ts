import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCommand } from '@im/dev-stores';
import { installKrew } from '../src/index.ts';

const RELEASE = join(import.meta.dirname, '../../../release.ts');
/** Compiles two programs. */
const FULL = process.env.FULL === '1';
/** Two programs in Go, on a machine with other work. */
const COMPILE_MS = 1_500_000;
const NODE_DIR = dirname(process.execPath);
let dir: string;
let out: string;

interface Released {
  readonly archive: string;
  readonly sha256: string;
}
let released: Released;

async function release(folder: string): Promise<Released> {
  const url = 'https://downloads.example/openim/v1';
  return JSON.parse(await runCommand(process.execPath, [RELEASE, '--url', url, '--out', folder]));
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openim-release-'));
  out = join(dir, 'release');
  released = await release(out);
});
after(() => rm(dir, { recursive: true, force: true }));

test('the archive runs as openimctl and as a plugin that is linked, with nothing but Node', async () => {
  const unpacked = join(dir, 'unpacked');
  const bin = join(dir, 'bin');
  await mkdir(unpacked);
  await mkdir(bin);
  await runCommand('tar', ['-xzf', released.archive, '-C', unpacked]);
  await symlink(join(unpacked, 'kubectl-openim'), join(bin, 'kubectl-openim'));
  const env = { PATH: `${NODE_DIR}:/usr/bin:/bin` };
  for (const program of [join(unpacked, 'openimctl'), join(bin, 'kubectl-openim')])
    assert.match(await runCommand(program, ['version'], { cwd: dir, env }), /^openimctl: +\d+\.\d+\.\d+$/m);
  // An older Node, and none, are named.
  await writeFile(join(bin, 'node'), '#!/bin/sh\necho v20.1.0\n', { mode: 0o755 });
  await assert.rejects(
    runCommand(join(unpacked, 'openimctl'), ['version'], { env: { PATH: `${bin}:/usr/bin:/bin` } }),
    /needs Node.js 24 or later on the PATH; this is 20/,
  );
});

test('the same sources give the same bytes, and the manifest names them', async () => {
  const again = await release(join(dir, 'again'));
  assert.equal(again.sha256, released.sha256);
  const manifest = JSON.parse(await readFile(join(out, 'openim.yaml'), 'utf8'));
  assert.equal(manifest.spec.platforms.length, 4);
  for (const platform of manifest.spec.platforms) assert.equal(platform.sha256, released.sha256);
  await runCommand('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: out });
});

test('krew accepts the manifest, and installs the archive by it', {
  timeout: COMPILE_MS,
  skip: !FULL && 'needs FULL=1',
}, async () => {
  const manifest = join(out, 'openim.yaml');
  const validate = await installKrew('validate-krew-manifest');
  await runCommand(validate, ['-manifest', manifest, '-skip-install']);
  const broken = join(dir, 'openim.yaml');
  await writeFile(
    broken,
    (await readFile(manifest, 'utf8'))
      .replace('"v1alpha2"', '"x"')
      .replace(/"sha256": "\w+"/, '"sha256": "no"'),
  );
  await assert.rejects(runCommand(validate, ['-manifest', broken, '-skip-install']));
  const root = join(dir, 'krew');
  const env = { KREW_ROOT: root, PATH: `${root}/bin:${NODE_DIR}:/usr/bin:/bin` };
  const krew = await installKrew('krew');
  await runCommand(krew, ['install', `--manifest=${manifest}`, `--archive=${released.archive}`], { env });
  assert.match(await runCommand(join(root, 'bin/kubectl-openim'), ['version'], { env }), /^openimctl: /m);
});
