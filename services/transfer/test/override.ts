/** The same object with some members replaced; the rest stays bound to the original. */
export function override<T extends object>(original: T, members: Partial<T>): T {
  return new Proxy(original, {
    get(target, property) {
      if (property in members) return Reflect.get(members, property);
      const member: unknown = Reflect.get(target, property, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** One write to a collection. */
export interface WriteCall {
  readonly method: string;
  readonly args: readonly unknown[];
}

const WRITES = new Set(['insertMany', 'bulkWrite', 'insertOne', 'updateOne', 'updateMany', 'deleteOne']);

/** A collection whose writes pass through `around`, which may do them or not. */
export function watchWrites<C extends object>(
  col: C,
  around: <T>(call: WriteCall, work: () => Promise<T>) => Promise<T>,
): C {
  return new Proxy(col, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== 'function') return member;
      const method = String(property);
      if (!WRITES.has(method)) return member.bind(target);
      return (...args: unknown[]) => around({ method, args }, () => member.apply(target, args));
    },
  });
}
