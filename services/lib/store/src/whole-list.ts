import { argsError } from '@im/protocol';

/** Most characters of texts in a list that is read as a whole; what its answer may have in bytes, in ASCII. */
const MAX_CHARS = 67_108_864;

/**
 * All documents of a list without pages, unless they are too large to be held in memory.
 * @param charsOf characters of the texts of a document.
 * @param remedy what to do instead, such as `ask by pages`.
 * @throws ImError 1001 with the remedy.
 */
export async function wholeList<T>(
  documents: AsyncIterable<T>,
  charsOf: (document: T) => number,
  remedy: string,
): Promise<T[]> {
  const list: T[] = [];
  let chars = 0;
  for await (const document of documents) {
    chars += charsOf(document);
    if (chars > MAX_CHARS) throw argsError(`the list has more than ${MAX_CHARS} characters: ${remedy}`);
    list.push(document);
  }
  return list;
}
