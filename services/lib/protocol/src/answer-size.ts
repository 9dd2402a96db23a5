import type { Framing } from './envelope/envelope.ts';

/** Largest frame of an answer, bytes. Go clients drop the connection for frames above 1 MiB, and ask again for ever. */
export const MAX_ANSWER_FRAME_BYTES = 1_000_000;

/** Bytes of a frame that the data of an answer may take; the envelope and rounding take the rest. */
const DATA_BYTES = 850 * 1_024;

/**
 * Most bytes of protobuf in an answer of this encoding: JSON frames carry them as base64, which is a third
 * longer. Compression is not counted on: what is random does not shrink.
 */
export function answerBytes({ encoding }: Pick<Framing, 'encoding'>): number {
  return encoding === 'json' ? (DATA_BYTES * 3) / 4 : DATA_BYTES;
}

/**
 * Most bytes for an answer of which a caller asks to be at most `asked`: a number of its own, else what
 * fits into frames of every encoding.
 */
export function answerBudget(asked: number): number {
  const smallest = answerBytes({ encoding: 'json' });
  return Math.min(Math.max(asked, smallest), answerBytes({ encoding: 'gob' }));
}
