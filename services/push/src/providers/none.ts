import type { PushProvider } from './push-provider.ts';

/** Wakes nobody. */
export const noneProvider: PushProvider = { name: 'none', push: () => Promise.resolve() };
