import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type Vips from 'wasm-vips';
import type { DecoderJob, DecoderLimits, DecoderResult } from './decoder-messages.ts';
import type { PictureFormat } from './picture-format.ts';
import { thumbnailShape } from './thumbnail-size.ts';

/** Decodes pictures in a thread, one at a time; started by `decoder.ts`. */

type Library = Awaited<ReturnType<typeof Vips>>;
type Image = InstanceType<Library['Image']>;

/** What this file uses of WebAssembly, which the types of Node leave out. */
interface WasmGlobal {
  readonly WebAssembly: { Memory: new (descriptor: object) => object };
}

const WASM_PAGES_PER_MIB = 16;
/** Below the threads that answer requests. */
const NICE = 10;
/** EXIF orientations from this on turn a picture by a quarter. */
const FIRST_TURNED = 5;

/** Characters of what libvips says of a broken picture. */
const MAX_DETAIL = 500;

const { memoryMiB, maxPixels } = workerData as DecoderLimits;

/** How each format is written. No metadata: places and names are not meant for those who see a thumbnail. */
const WRITTEN: Readonly<Record<PictureFormat, readonly [suffix: string, options: object]>> = {
  jpeg: ['.jpg', { Q: 80, background: [255, 255, 255], keep: 'none' }],
  png: ['.png', { compression: 6, keep: 'none' }],
  webp: ['.webp', { Q: 80, effort: 2, keep: 'none' }],
  gif: ['.gif', { effort: 3, keep: 'none' }],
};

/** One thread per picture; no files, which would be outside of the limit; no warnings, as the result names the fault. */
const ENVIRONMENT = { VIPS_CONCURRENCY: '1', VIPS_DISC_THRESHOLD: `${memoryMiB}m`, VIPS_WARNING: '0' };

/** Loads libvips with at most `memoryMiB` of memory. */
async function load(): Promise<Library> {
  // The library takes no limit; it makes one memory, here.
  const { WebAssembly: wasm } = globalThis as unknown as WasmGlobal;
  const Unlimited = wasm.Memory;
  wasm.Memory = class extends Unlimited {
    constructor(descriptor: object) {
      super({ ...descriptor, maximum: memoryMiB * WASM_PAGES_PER_MIB });
    }
  };
  const { default: start } = await import('wasm-vips');
  const vips = await start({
    dynamicLibraries: [],
    print() {},
    printErr() {},
    preRun: (module) => Object.assign(module.ENV, ENVIRONMENT),
  });
  vips.concurrency(1);
  vips.Cache.max(0);
  vips.blockUntrusted(true);
  return vips;
}

/** Width and height of the picture as it is shown, read from its header. */
function sizeOf(vips: Library, bytes: Uint8Array): { width: number; height: number } {
  const header = vips.Image.newFromBuffer(bytes, '', { access: 'sequential' });
  try {
    const { width } = header;
    const height = header.getTypeof('page-height') === 0 ? header.height : header.pageHeight;
    const orientation = header.getTypeof('orientation') === 0 ? 1 : header.getInt('orientation');
    return orientation < FIRST_TURNED ? { width, height } : { width: height, height: width };
  } finally {
    header.delete();
  }
}

function decode(vips: Library, { bytes, format, wish }: DecoderJob): DecoderResult {
  const picture = { ...sizeOf(vips, bytes), format };
  if (picture.width * picture.height > maxPixels) {
    return { refusal: 'too-many-pixels', detail: `${picture.width} x ${picture.height} pixels` };
  }
  const shape = thumbnailShape(picture, wish);
  if (!shape) return { picture };
  let image: Image | undefined;
  try {
    image = vips.Image.thumbnailBuffer(bytes, shape.width, {
      height: shape.height,
      size: 'force',
      fail_on: 'error',
      output_profile: 'srgb',
    });
    const [suffix, options] = WRITTEN[shape.format];
    const made = image.writeToBuffer(suffix, options);
    return { picture, thumbnail: { ...shape, bytes: made.slice() } };
  } finally {
    image?.delete();
  }
}

/** Exceptions of C++ carry their type and text as `message`, and are no Error. */
function refusalOf(error: unknown): DecoderResult {
  const text = (error as { readonly message?: unknown }).message ?? error;
  const detail = String(text).slice(0, MAX_DETAIL);
  return { refusal: /out of memory|bad_alloc/i.test(detail) ? 'too-much-memory' : 'broken', detail };
}

const port = parentPort;
if (!port) throw new Error('runs as a thread of the decoder');
try {
  setPriority(0, NICE);
} catch {
  // Allowed everywhere that is known; it decodes all the same.
}
const vips = await load();
port.on('message', (job: DecoderJob) => {
  let result: DecoderResult;
  try {
    result = decode(vips, job);
  } catch (error) {
    result = refusalOf(error);
  }
  port.postMessage(result, 'thumbnail' in result && result.thumbnail ? [result.thumbnail.bytes.buffer] : []);
});
port.postMessage('ready');
