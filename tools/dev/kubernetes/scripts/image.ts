import { join } from 'node:path';
import { buildProductImage } from '../image/product-image.ts';

/** Builds the image of the product into `dist/image.tar`, or the file given, and prints its name and digest. */
const file = process.argv[2] ?? join(import.meta.dirname, '../../../../dist/image.tar');
const startedAt = performance.now();
const { name, digest, size } = await buildProductImage({ file });
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
console.error(`${file}: ${Math.round(size / 1e6)} MB in ${seconds} s`);
console.log(JSON.stringify({ name, digest, file }));
