import { z } from 'zod';
import { count, ms } from './fields.ts';

/** Pictures that are decoded at once by a process, at most. */
const MAX_WORKERS = 16;
/** WebAssembly memory that the decoder starts with, and the most that it can address, MiB. */
const DECODER_MIB = { min: 256, max: 2_048 } as const;

/** Section `s3.thumbnails` of the config. */
export const ThumbnailsConfig = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Requests with type=image get a thumbnail; false: pictures are served in their full size.'),
    workers: z
      .int()
      .min(1)
      .max(MAX_WORKERS)
      .default(2)
      .describe(
        'Pictures decoded at once by a process, each in a thread; started when they are needed. Of two or more, one is always left to the other tenants. Fewer where half of the memory limit of the process is too little for them.',
      ),
    memoryMiB: z
      .int()
      .min(DECODER_MIB.min)
      .max(DECODER_MIB.max)
      .default(DECODER_MIB.min)
      .describe('Most memory of a decoder in MiB; a picture that needs more is served in its full size.'),
    maxSourceBytes: count(50 * 1_048_576, 'Bytes of a picture; a larger one is served in its full size.'),
    maxPixels: count(
      50_000_000,
      'Pixels (width by height) of a picture; a larger one is served in its full size.',
    ),
    decodeMs: ms(5_000, 'CPU time in which a picture must be decoded, or else it is served in its full size'),
    waitMs: ms(
      2_000,
      'Longest time that a request waits for a thumbnail that is being made; it is then answered with the full size, and the next one with the thumbnail',
    ),
  })
  .prefault({})
  .describe('Thumbnails of pictures.');
export type ThumbnailsConfig = z.infer<typeof ThumbnailsConfig>;
