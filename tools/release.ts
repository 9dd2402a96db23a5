import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { krewManifest, PLUGIN } from './bundle/krew.ts';

/**
 * usage: release.ts --url <folder> [--out <folder>]
 *
 * Writes `openimctl-<version>.tar.gz`, which runs on Node 24 without node_modules, as `openimctl` and as a plugin of kubectl, with
 * the manifest `openim.yaml` by which krew installs it and `SHA256SUMS` into `dist/release/`. The same sources give the same
 * bytes. `--url` is where the archive will be downloaded from.
 */
const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { url: { type: 'string' }, out: { type: 'string' } } });
const { url } = values;
if (url === undefined || !URL.canParse(url)) {
  console.error(
    'release.ts: --url must be the folder that the archive will be downloaded from, such as https://example.com/v1/',
  );
  process.exit(2);
}
const out = resolve(values.out ?? join(root, 'dist/release'));
const app = `${out}.app`;

/** Names under which the program is called; the second one is what kubectl looks for. */
const NAMES = ['openimctl', `kubectl-${PLUGIN}`];
/** Starts the bundle from wherever the name is linked to, on the Node of the PATH. */
const LAUNCHER = `#!/bin/sh
# Runs openimctl on Node 24 or later.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname "$self")/$link ;;
  esac
done
version=$(node --version 2>/dev/null | sed 's/^v//; s/\\..*//')
if [ "\${version:-0}" -lt 24 ]; then
  echo "openimctl: needs Node.js 24 or later on the PATH; \${version:+this is $version. }See https://nodejs.org" >&2
  exit 5
fi
exec node "$(dirname "$self")/openimctl.mjs" "$@"
`;

function run(command: string, args: readonly string[]): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, maxBuffer: 1_073_741_824 });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout;
}

const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
run(process.execPath, ['tools/bundle.ts', '--out', app, 'openimctl']);
for (const name of readdirSync(app)) if (name.endsWith('.map')) rmSync(join(app, name));
for (const name of NAMES) {
  writeFileSync(join(app, name), LAUNCHER);
  chmodSync(join(app, name), 0o755);
}
writeFileSync(join(app, 'LICENSE'), readFileSync(join(root, 'LICENSE')));
const plain = run('tar', [
  ...['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=ustar'],
  ...['--mode=go=rX,u+rw', '-C', app, '-cf', '-', ...readdirSync(app).toSorted()],
]);
rmSync(app, { recursive: true });

const archive = `openimctl-${version}.tar.gz`;
const bytes = gzipSync(plain, { level: 9 });
const sha256Of = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
const sha256 = sha256Of(bytes);
const uri = new URL(archive, url.endsWith('/') ? url : `${url}/`).href;
mkdirSync(out, { recursive: true });
const files = {
  [archive]: bytes,
  [`${PLUGIN}.yaml`]: krewManifest({ version, uri, sha256, bin: `kubectl-${PLUGIN}` }),
};
const sums = Object.entries(files).map(([name, content]) => `${sha256Of(content)}  ${name}\n`);
for (const [name, content] of Object.entries({ ...files, SHA256SUMS: sums.join('') }))
  writeFileSync(join(out, name), content);
console.log(JSON.stringify({ archive: join(out, archive), sha256, bytes: bytes.length }));
