import type { Store } from '@im/store';

/** A Redis that knows what claims use; away while `state.up` is false. */
export function fakeRedis(keys: Map<string, string>, state = { up: true }): Store['redis'] {
  const client = {
    set: async (key: string, value: string, _unit: string, _ms: number, only?: string) => {
      if (only === 'NX' && keys.has(key)) return null;
      keys.set(key, value);
      return 'OK';
    },
    del: async (key: string) => keys.delete(key),
  };
  return {
    orElse: async (use: (from: unknown) => unknown, otherwise: () => unknown) =>
      state.up ? use(client) : otherwise(),
  } as unknown as Store['redis'];
}
