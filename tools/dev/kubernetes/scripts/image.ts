import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { whyNoDebianFiles } from '../image/debian-files.ts';
import { type ImageArchitecture, OWN_ARCHITECTURE } from '../image/image.ts';
import { buildProductImage } from '../image/product-image.ts';

/**
 * usage: image.ts [--arch amd64,arm64] [<file>]
 *
 * Builds the image of the product into `dist/image.tar`, or the file given, and prints its name and digest: one index for amd64 and
 * arm64, or for the architectures that are named. Where files of another architecture cannot be had it is for this machine's alone.
 */
const KNOWN: readonly ImageArchitecture[] = ['amd64', 'arm64'];
const { values, positionals } = parseArgs({ options: { arch: { type: 'string' } }, allowPositionals: true });
const [file = join(import.meta.dirname, '../../../../dist/image.tar')] = positionals;
const wanted = (values.arch ?? KNOWN.join(',')).split(',');
const unknown = wanted.find((name) => !KNOWN.some((known) => known === name));
if (unknown !== undefined) {
  console.error(`--arch: ${unknown} is not one of ${KNOWN.join(', ')}`);
  process.exit(2);
}
const obstacle = wanted.some((name) => name !== OWN_ARCHITECTURE) ? await whyNoDebianFiles() : undefined;
if (obstacle !== undefined && values.arch !== undefined) {
  console.error(`--arch: ${obstacle}`);
  process.exit(5);
}
if (obstacle !== undefined) console.error(`for ${OWN_ARCHITECTURE} alone: ${obstacle}`);
const architectures = KNOWN.filter((name) => wanted.includes(name));
const startedAt = performance.now();
const { name, digest, size } = await buildProductImage({
  file,
  ...(obstacle === undefined && { architectures }),
});
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
console.error(`${file}: ${Math.round(size / 1e6)} MB in ${seconds} s`);
console.log(JSON.stringify({ name, digest, file }));
