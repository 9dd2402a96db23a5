import type { PushProvider } from './provider.ts';

/** Wakes nobody. */
export const noneProvider: PushProvider = { name: 'none', push: () => Promise.resolve() };
