import type { ServerConfig } from './config.ts';

/** A section of the config, or one setting of a section whose rest is not read, such as `gateway.presence.limitMs`. */
export type SettingName = keyof ServerConfig | 'gateway.presence.limitMs';

type At<C, N extends string> = N extends `${infer Head}.${infer Rest}`
  ? Head extends keyof C
    ? { readonly [K in Head]: At<C[Head], Rest> }
    : never
  : N extends keyof C
    ? { readonly [K in N]: C[K] }
    : never;

type All<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;

/** The part of the config with these settings. */
export type ConfigOf<S extends SettingName> = All<S extends string ? At<ServerConfig, S> : never>;
