import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { thirdPartyNotices } from './bundle/notices.ts';

/**
 * usage: bundle.ts [--out <folder>] [<entry> ...]
 *
 * Bundles the server and the operator, or the entries that are named, into `dist/app/`: `im.mjs` and
 * `operator.mjs` with the files that they load and the threads that they start, which Node runs without
 * node_modules. A role loads only the files of what it imports. Source maps are written next to them, without the sources.
 */
const root = join(import.meta.dirname, '..');
const { values, positionals } = parseArgs({ options: { out: { type: 'string' } }, allowPositionals: true });
const out = resolve(values.out ?? join(root, 'dist/app'));

const ENTRIES: Readonly<Record<string, string>> = {
  im: 'services/main/src/entry.ts',
  operator: 'operator/src/main.ts',
  openimctl: 'cli/src/main.ts',
};

/** What the image has. */
const IMAGE_ENTRIES = ['im', 'operator'];

/** Threads of `im`. */
const THREADS: Readonly<Record<string, string>> = { pictures: 'services/third/src/thumbnails/worker.ts' };

/** Packages that are CommonJS find `require` where they expect it. */
const BANNER =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

/** The parsed protobuf schemas, next to the chunk that reads them: faster than parsing them at every start. */
const SCHEMA_FILE = 'schema.json';

/** The decoder of pictures, which starts threads from its own file and reads the other one next to it. */
const DECODER_FILES = ['vips-node.mjs', 'vips.wasm'];
const DECODER = 'node_modules/wasm-vips/lib';

/** Native parts of ws that it does without. */
const EXTERNAL = ['bufferutil', 'utf-8-validate'];

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', command), args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1_024 * 1_024,
  });
  if (status !== 0) throw new Error(`${command} failed:\n${stderr}`);
  return stdout;
}

/** The web console, which the api role serves from the folder next to the bundle. */
const CONSOLE = 'services/console';
const CONSOLE_FOLDER = 'console';

/** Adds the console. @returns the files of packages in it. */
function buildConsole(): readonly string[] {
  run('node', [`${CONSOLE}/scripts/build-console.ts`]);
  const built = join(root, CONSOLE, 'dist');
  cpSync(built, join(unfinished, CONSOLE_FOLDER), { recursive: true });
  return JSON.parse(readFileSync(join(built, 'modules.json'), 'utf8'));
}

const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const unfinished = `${out}.unfinished`;
const build = `${out}.build`;
for (const dir of [unfinished, build]) {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
}
const schema = run('node', ['services/lib/protocol/scripts/schema-json.ts']);
writeFileSync(join(unfinished, SCHEMA_FILE), schema);

const wanted = positionals.length > 0 ? positionals : IMAGE_ENTRIES;
const entries = wanted.map((name): [string, string] => {
  const file = ENTRIES[name];
  if (file === undefined)
    throw new RangeError(`there is no entry ${name}: ${Object.keys(ENTRIES).join(', ')}`);
  return [name, file];
});
const threads = wanted.includes('im') ? Object.entries(THREADS) : [];
const metafile = join(build, 'meta.json');
run('esbuild', [
  ...[...entries, ...threads].map(([name, file]) => `${name}=${file}`),
  `--outdir=${unfinished}`,
  `--metafile=${metafile}`,
  `--define:OPENIM_VERSION=${JSON.stringify(version)}`,
  `--define:OPENIM_SCHEMA_FILE=${JSON.stringify(SCHEMA_FILE)}`,
  `--banner:js=${BANNER}`,
  '--define:OPENIM_PICTURE_WORKER="./pictures.mjs"',
  `--define:OPENIM_CONSOLE_DIR=${JSON.stringify(`./${CONSOLE_FOLDER}/`)}`,
  `--alias:wasm-vips=./${DECODER_FILES[0]}`,
  `--external:./${DECODER_FILES[0]}`,
  ...EXTERNAL.map((name) => `--external:${name}`),
  '--bundle',
  '--splitting',
  '--format=esm',
  '--platform=node',
  '--target=node24',
  '--out-extension:.js=.mjs',
  '--chunk-names=[name]-[hash]',
  // Names stay, so that a stack trace can be read without its map too.
  '--minify-whitespace',
  '--minify-syntax',
  '--legal-comments=none',
  '--sourcemap=linked',
  '--sources-content=false',
  '--log-level=error',
]);
const decoder = wanted.includes('im') ? DECODER_FILES.map((file) => join(DECODER, file)) : [];
for (const file of decoder) copyFileSync(join(root, file), join(unfinished, basename(file)));
const consoleModules: readonly string[] = wanted.includes('im') ? buildConsole() : [];
const { inputs }: { inputs: Readonly<Record<string, unknown>> } = JSON.parse(readFileSync(metafile, 'utf8'));
writeFileSync(
  join(unfinished, 'THIRD-PARTY-NOTICES.txt'),
  thirdPartyNotices(root, [...Object.keys(inputs), ...decoder, ...consoleModules]),
);
rmSync(out, { recursive: true, force: true });
renameSync(unfinished, out);
rmSync(build, { recursive: true });
console.log(`bundled ${entries.map(([name]) => `${name}.mjs`).join(', ')} (${version}) into ${out}`);
