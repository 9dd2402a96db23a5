import type { Framing } from '@im/protocol';

/** Every framing that a connection can have; a connection holds the index of its own. */
export const FRAMINGS: readonly Framing[] = [
  { encoding: 'gob', gzip: false },
  { encoding: 'gob', gzip: true },
  { encoding: 'json', gzip: false },
  { encoding: 'json', gzip: true },
];

const PLAIN_GOB: Framing = { encoding: 'gob', gzip: false };

/** The framing of an index. */
export function framingAt(index: number): Framing {
  return FRAMINGS[index] ?? PLAIN_GOB;
}

/** Index of a framing in {@link FRAMINGS}. */
export function framingIndex({ encoding, gzip }: Framing): number {
  return (encoding === 'json' ? 2 : 0) + (gzip ? 1 : 0);
}
