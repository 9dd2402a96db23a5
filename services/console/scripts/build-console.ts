import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';

const home = join(import.meta.dirname, '..');
const root = join(home, '../..');
/** Where the API finds the console. */
const OUT = join(home, 'dist');
/** In the built folder: the hash of everything that it was built from. */
const STAMP = 'built-from.txt';
/** In the built folder: the files of other packages in it, relative to the root of the repository. */
export const MODULES = 'modules.json';
/** Smaller files are not worth compressing. */
const MIN_BYTES = 512;

/** What the console is built from; packages change only with the lock file. */
const INPUTS = ['services/console/{src,scripts}/**/*', 'services/console/{index.html,package.json}']
  .concat('services/lib/admin-api/src/*.ts')
  .concat('package-lock.json');

function hashOfInputs(): string {
  const hash = createHash('sha256');
  for (const file of globSync(INPUTS, { cwd: root, withFileTypes: false }).sort()) {
    const path = join(root, file);
    if (!/\.\w+$/.test(file)) continue;
    hash.update(`${file}\0`).update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}

function compress(dir: string): void {
  for (const name of globSync('assets/*.{js,css,svg}', { cwd: dir })) {
    const bytes = readFileSync(join(dir, name));
    if (bytes.length < MIN_BYTES) continue;
    const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
    writeFileSync(join(dir, `${name}.gz`), gzipSync(bytes, { level: 9 }));
    writeFileSync(join(dir, `${name}.br`), brotliCompressSync(bytes, { params: quality }));
  }
}

/** Builds the console into `dist/`, unless what is there was built from the same files. @returns the folder. */
export async function buildConsole(): Promise<string> {
  const hash = hashOfInputs();
  const stamp = join(OUT, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return OUT;
  const unfinished = `${OUT}.${process.pid}`;
  const result = await build({
    configFile: false,
    root: home,
    base: './',
    logLevel: 'error',
    html: { cspNonce: '__NONCE__' },
    build: {
      outDir: unfinished,
      emptyOutDir: true,
      target: 'es2022',
      // Inlined files would be data: URLs, which the policy of the page refuses for scripts and styles.
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1_000,
      reportCompressedSize: false,
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((one) =>
    'output' in one ? one.output : [],
  );
  const modules = outputs.flatMap((one) => (one.type === 'chunk' ? one.moduleIds : []));
  const files = modules
    .map((id) => relative(root, id.replace(/^\0/, '').replace(/\?.*$/, '')))
    .filter((file) => file.startsWith('node_modules/'));
  writeFileSync(join(unfinished, MODULES), JSON.stringify([...new Set(files)].sort()));
  compress(unfinished);
  writeFileSync(join(unfinished, STAMP), hash);
  rmSync(OUT, { recursive: true, force: true });
  renameSync(unfinished, OUT);
  return OUT;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const startedAt = performance.now();
  const dir = await buildConsole();
  console.log(`the console is in ${dir}, after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
}
