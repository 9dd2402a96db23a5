import { encode, type MessageName, type Messages, make, manyFields } from '@im/protocol';
import { asBuffer } from './frames.ts';

type AnyMessage = Messages[MessageName];
type Fields = Record<string, unknown>;

/** Fewest entries of a list that is encoded bit by bit. */
const MANY = 100;
/** Entries of the first bit, whose size is not known yet, and most of any. */
const ENTRIES = { first: 8, most: 1_000 };
/** Fair size of a bit. */
const BIT_BYTES = 262_144;

/** How the answers of one type are cut into messages, each with some of the entries, and joined again. */
export interface Pieces {
  /** Whether a list or map of this answer is worth cutting. */
  readonly long: (answer: AnyMessage) => boolean;
  /** The answer as bits of about 256 KiB, or of one entry; as bytes in a row they are the whole answer. */
  readonly encode: (answer: AnyMessage) => Generator<Buffer, void>;
  /** Adds the entries of a further piece to those before. */
  readonly join: (answer: AnyMessage, piece: AnyMessage) => void;
}

/** The bits of one list or map. `slice` makes the message with the entries of a range. */
function* bits(count: number, slice: (begin: number, end: number) => Buffer): Generator<Buffer, void> {
  let take = ENTRIES.first;
  for (let begin = 0; begin < count; ) {
    const end = Math.min(count, begin + take);
    const bytes = slice(begin, end);
    const each = Math.max(1, bytes.length / (end - begin));
    take = Math.min(ENTRIES.most, Math.max(1, Math.floor(BIT_BYTES / each)));
    begin = end;
    yield bytes;
  }
}

/** Pieces of the answers of a type. */
export function piecesOf(name: MessageName): Pieces {
  const { lists, maps } = manyFields(name);
  const write = (fields: Fields) => asBuffer(encode(name, make(name, fields as Partial<AnyMessage>)));
  return {
    long(answer) {
      const fields = answer as unknown as Fields;
      if (lists.some((field) => ((fields[field] as readonly unknown[] | undefined) ?? []).length > MANY))
        return true;
      return maps.some((field) => Object.keys(fields[field] ?? {}).length > MANY);
    },
    *encode(answer) {
      const fields = answer as unknown as Fields;
      const rest: Fields = { ...fields };
      for (const field of [...lists, ...maps]) delete rest[field];
      yield write(rest);
      for (const field of lists) {
        const list = (fields[field] ?? []) as readonly unknown[];
        yield* bits(list.length, (begin, end) => write({ [field]: list.slice(begin, end) }));
      }
      for (const field of maps) {
        const entries = Object.entries(fields[field] ?? {});
        yield* bits(entries.length, (begin, end) =>
          write({ [field]: Object.fromEntries(entries.slice(begin, end)) }),
        );
      }
    },
    join(answer, piece) {
      const [to, from] = [answer as unknown as Fields, piece as unknown as Fields];
      for (const field of lists) {
        const more = from[field] as readonly unknown[];
        if (more.length === 0) continue;
        // What an absent list is, all messages share.
        if (!Object.hasOwn(to, field)) to[field] = [];
        const list = to[field] as unknown[];
        for (const entry of more) list.push(entry);
      }
      for (const field of maps) {
        const more = from[field] as object;
        if (Object.keys(more).length > 0)
          to[field] = Object.assign(Object.hasOwn(to, field) ? (to[field] as object) : {}, more);
      }
    },
  };
}
