import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * `data` of an answer as JSON text; undefined for none. Whole where it is small, else in parts, which are made while
 * the client takes them: so a large answer is never in memory as one text, nor does writing it hold up others.
 */
export type Data = string | undefined | AsyncIterable<string>;

/** From this length on, characters, an answer is written in parts. */
export const LARGE_CHARS = 1_048_576;

async function* rest(
  held: string[],
  parts: Iterator<string, void> | AsyncIterator<string, void>,
): AsyncGenerator<string, void> {
  yield* held.splice(0);
  for (;;) {
    const { done, value } = await parts.next();
    if (done) return;
    yield value;
    await nextTurn();
  }
}

/** The text of these parts, which are asked for until they are at their end or the text is large. */
export async function gather(parts: Iterator<string, void> | AsyncIterator<string, void>): Promise<Data> {
  const held: string[] = [];
  for (let chars = 0; chars < LARGE_CHARS; ) {
    const { done, value } = await parts.next();
    if (done) return held.join('');
    held.push(value);
    chars += value.length;
  }
  return rest(held, parts);
}
