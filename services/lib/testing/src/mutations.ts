/** A source of repeatable randomness. */
export interface Random {
  /** Uniform in [0, below). */
  int(below: number): number;
  pick<T>(items: readonly [T, ...T[]]): T;
  bytes(length: number): Buffer;
  /** Text of that many characters, beyond ASCII too. */
  text(length: number): string;
}

/** The seed of this run: `SEED` of the environment, else a new one. Printed, so that a failure can be repeated. */
export function printedSeed(what: string): number {
  const given = process.env.SEED;
  const seed = given ? Number(given) : Math.floor(Math.random() * 2 ** 32);
  console.log(`${what}: SEED=${seed}`);
  return seed;
}

/** mulberry32: small, fast, the same on every machine. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  const int = (below: number) => Math.floor(next() * below);
  const alphabet = 'abcdefghijXYZ0189_-<>&"\\ é漢😀';
  const letters = [...alphabet];
  return {
    int,
    pick: (items) => items[int(items.length)] ?? items[0],
    bytes: (length) => Buffer.from(Array.from({ length }, () => int(256))),
    text: (length) => Array.from({ length }, () => letters[int(letters.length)] ?? 'a').join(''),
  };
}

/** A copy with one to four faults: bits, bytes, cuts, doublings, lengths made huge, noise. */
export function mutate(random: Random, original: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let faults = 1 + random.int(4); faults > 0; faults--) {
    const at = random.int(bytes.length + 1);
    switch (random.int(7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(8));
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random.int(256);
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(random.int(8)), bytes.subarray(at)]);
        break;
      case 4:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          bytes.subarray(Math.min(bytes.length, at + 1 + random.int(8))),
        ]);
        break;
      case 5:
        bytes = Buffer.concat([bytes, bytes.subarray(at)]);
        break;
      default:
        for (let i = at; i < Math.min(bytes.length, at + 9); i++)
          bytes[i] = random.pick([0x00, 0x7f, 0xf8, 0xff]);
    }
  }
  return bytes;
}
