import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { installedDir, isInstalled, verifySha256 } from './install-dir.ts';

let cache = '';
const earlier = process.env.OPENIM_CACHE_DIR;

before(async () => {
  cache = await mkdtemp(join(tmpdir(), 'openim-cache-'));
  process.env.OPENIM_CACHE_DIR = cache;
});

after(async () => {
  if (earlier === undefined) delete process.env.OPENIM_CACHE_DIR;
  else process.env.OPENIM_CACHE_DIR = earlier;
  await rm(cache, { recursive: true });
});

const fillWith =
  (text: string, count?: { fills: number }) =>
  async (dir: string): Promise<string> => {
    if (count) count.fills++;
    await writeFile(join(dir, 'main'), text);
    return 'main';
  };

test('a folder is filled once, regardless of the number of concurrent callers', async () => {
  const count = { fills: 0 };
  const dirs = await Promise.all(
    Array.from({ length: 5 }, () => installedDir('once', '1', fillWith('x', count))),
  );
  assert.equal(count.fills, 1);
  assert.deepEqual(new Set(dirs), new Set([join(cache, 'backends', 'once-1')]));
  assert.equal(await isInstalled('once', '1'), true);
});

test('a failed or interrupted fill leaves nothing behind and is made again', async () => {
  const broken = installedDir('broken', '1', async (dir) => {
    await writeFile(join(dir, 'half'), 'half');
    throw new Error('interrupted');
  });
  await assert.rejects(broken, /interrupted/);
  assert.equal(await isInstalled('broken', '1'), false);
  const dir = await installedDir('broken', '1', fillWith('whole'));
  assert.deepEqual((await readdir(dir)).sort(), ['main', 'manifest.json']);
});

test('a main file of another size than was installed is installed again', async () => {
  const dir = await installedDir('cut', '1', fillWith('whole'));
  await truncate(join(dir, 'main'), 2);
  await installedDir('cut', '1', fillWith('whole'));
  assert.equal(await readFile(join(dir, 'main'), 'utf8'), 'whole');
});

test('a wrong checksum is refused with both sums', async () => {
  const path = join(cache, 'file');
  await writeFile(path, 'content');
  const sum = createHash('sha256').update('content').digest('hex');
  await verifySha256(path, sum);
  await assert.rejects(verifySha256(path, '0'.repeat(64)), new RegExp(`${sum}.*${'0'.repeat(64)} is pinned`));
});
