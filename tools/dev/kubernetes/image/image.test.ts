import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type ImageSpec, OWN_ARCHITECTURE, writeImage, writeIndex } from './image.ts';
import { libraryPaths, sharedLibrariesOf } from './shared-libraries.ts';

const run = promisify(execFile);
let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openim-image-'));
});
after(() => rm(dir, { recursive: true }));

const spec: ImageSpec = {
  name: 'openim.test/example:1.0',
  entries: [{ path: '/etc/motd', text: 'hello\n' }],
  entrypoint: ['/bin/app'],
  env: { MODE: 'test' },
};

/** Unpacks the tarball and its layer with the system's tar. */
async function unpacked(file: string) {
  const outer = await mkdtemp(join(dir, 'outer-'));
  await run('tar', ['-xf', file, '-C', outer]);
  const blob = (digest: string): string => join(outer, 'blobs', digest.replace(':', '/'));
  const read = async (path: string) => JSON.parse(await readFile(path, 'utf8'));
  const index = await read(join(outer, 'index.json'));
  const manifest = await read(blob(index.manifests[0].digest));
  const config = await read(blob(manifest.config.digest));
  const layer = blob(manifest.layers[0].digest);
  const { stdout } = await run('tar', ['--numeric-owner', '-tvf', layer]);
  const root = await mkdtemp(join(dir, 'root-'));
  await run('tar', ['-xf', layer, '-C', root]);
  return { index, manifest, config, layer, listing: stdout, root };
}

test('an image says what to run and carries its files', async () => {
  const image = await writeImage(spec, join(dir, 'a.tar'));
  const { index, manifest, config, layer, root } = await unpacked(image.file);
  assert.equal(index.manifests[0].annotations['io.containerd.image.name'], 'openim.test/example:1.0');
  assert.equal(index.manifests[0].digest, image.digest);
  assert.deepEqual(config.config.Entrypoint, ['/bin/app']);
  assert.equal(config.config.User, '65532:65532');
  assert.ok(config.config.Env.includes('MODE=test'));
  const sum = createHash('sha256')
    .update(await readFile(layer))
    .digest('hex');
  assert.deepEqual(config.rootfs.diff_ids, [`sha256:${sum}`]);
  assert.equal(manifest.layers[0].digest, `sha256:${sum}`);
  assert.equal(await readFile(join(root, 'etc/motd'), 'utf8'), 'hello\n');
});

test('the same inputs give the same image, at any time and in any order', async () => {
  const entries = [
    { path: '/b/two', text: '2' },
    { path: '/a/one', text: '1' },
  ];
  const first = await writeImage({ ...spec, entries }, join(dir, 'b.tar'));
  const second = await writeImage({ ...spec, entries: entries.toReversed() }, join(dir, 'c.tar'));
  assert.equal(first.digest, second.digest);
  assert.deepEqual(await readFile(first.file), await readFile(second.file));
  const other = await writeImage({ ...spec, entries: [{ path: '/a/one', text: '2' }] }, join(dir, 'd.tar'));
  assert.notEqual(other.digest, first.digest);
});

test('an index has an image for each architecture, and the same inputs give the same one', async () => {
  const entries = {
    arm64: [{ path: '/arch', text: 'arm64' }],
    amd64: [{ path: '/arch', text: 'amd64' }],
  };
  const written = await writeIndex({ ...spec, entries }, join(dir, 'index.tar'));
  const again = await writeIndex(
    { ...spec, entries: { amd64: entries.amd64, arm64: entries.arm64 } },
    join(dir, 'index-again.tar'),
  );
  assert.equal(again.digest, written.digest);
  assert.deepEqual(await readFile(again.file), await readFile(written.file));
  const outer = await mkdtemp(join(dir, 'index-'));
  await run('tar', ['-xf', written.file, '-C', outer]);
  const read = async (path: string) => JSON.parse(await readFile(join(outer, path), 'utf8'));
  const blob = (digest: string) => `blobs/${digest.replace(':', '/')}`;
  const { manifests } = await read('index.json');
  assert.deepEqual([manifests.length, manifests[0].digest], [1, written.digest]);
  const index = await read(blob(written.digest));
  assert.equal(index.mediaType, 'application/vnd.oci.image.index.v1+json');
  const files: Record<string, string> = {};
  for (const { digest, size, platform } of index.manifests) {
    assert.equal((await readFile(join(outer, blob(digest)))).length, size);
    const { config, layers } = await read(blob(digest));
    const { architecture } = await read(blob(config.digest));
    assert.deepEqual(platform, { architecture, os: 'linux' });
    const { stdout } = await run('tar', ['-xOf', join(outer, blob(layers[0].digest)), 'arch']);
    files[architecture] = stdout;
    // Docker's older format knows one image alone.
    const [docker] = await read('manifest.json');
    assert.equal(docker.Config === blob(config.digest), architecture === OWN_ARCHITECTURE);
  }
  assert.deepEqual(files, { amd64: 'amd64', arm64: 'arm64' });
});

test('files keep whether they run, links stay links, all belongs to root, long and foreign paths survive', async () => {
  const source = join(dir, 'source');
  await mkdir(join(source, 'deep'), { recursive: true });
  await writeFile(join(source, 'deep', 'run'), 'x'.repeat(513));
  await chmod(join(source, 'deep', 'run'), 0o700);
  await symlink('deep/run', join(source, 'link'));
  const long = `/opt/${'long-'.repeat(40)}ü/file`;
  const image = await writeImage(
    {
      ...spec,
      entries: [
        { path: '/app', from: source },
        { path: '/tmp', directory: 0o1777 },
        { path: '/bin/sh', linkTo: '/app/link' },
        { path: long, text: 'here' },
      ],
    },
    join(dir, 'e.tar'),
  );
  const { listing, root } = await unpacked(image.file);
  assert.match(listing, /^-rwxr-xr-x 0\/0 +513 1970-01-01 \d\d:\d\d app\/deep\/run$/m);
  assert.match(listing, /^lrwxrwxrwx .* app\/link -> deep\/run$/m);
  assert.match(listing, /^drwxrwxrwt .* tmp\/$/m);
  assert.match(listing, /bin\/sh -> \/app\/link$/m);
  assert.equal(await readFile(join(root, long), 'utf8'), 'here');
});

test('paths that leave the image are refused', async () => {
  for (const path of ['relative', '/a/../b', '/a/']) {
    await assert.rejects(
      writeImage({ ...spec, entries: [{ path, text: '' }] }, join(dir, 'f.tar')),
      /must be absolute and plain/,
    );
  }
});

test('libraries are what the loader finds, and a missing one is named', async () => {
  const output =
    '\tlinux-vdso.so.1 (0x1)\n\tlibm.so.6 => /lib/x/libm.so.6 (0x2)\n\t/lib64/ld-linux.so.2 (0x3)\n';
  assert.deepEqual(libraryPaths(output), ['/lib/x/libm.so.6', '/lib64/ld-linux.so.2']);
  assert.throws(() => libraryPaths('\tlibz.so.1 => not found\n'), /libz\.so\.1 is not on this machine/);
  const libraries = await sharedLibrariesOf(process.execPath);
  assert.ok(libraries.some(({ path }) => path.includes('libc.so.6')));
});
