import type { PushProvider } from './push-provider.ts';

/** Sends no notifications. */
export const noneProvider: PushProvider = { name: 'none', push: () => Promise.resolve() };
