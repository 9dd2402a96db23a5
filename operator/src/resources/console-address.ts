import { DEFAULT_CONSOLE_PATH } from '@im/contract';
import type { EffectiveConsole, EffectiveSpec } from './effective.ts';

/** The Service that leads to the console. */
export interface ConsoleBackend {
  readonly name: 'api' | 'console';
  readonly port: number;
}

/** Whether the console is served at all. */
export function isConsoleServed({ console }: EffectiveSpec): boolean {
  return console?.enabled !== false;
}

/** The Service of the pods that serve the console: its own, or those of the API. */
export function consoleBackend({ console, api }: EffectiveSpec): ConsoleBackend {
  return console?.own
    ? { name: 'console', port: console.own.service.port }
    : { name: 'api', port: api.service.port };
}

/** Path below which the console is served, with slashes around it. @default `/console/` */
export function consolePath({ console }: EffectiveSpec): string {
  return console?.path ?? DEFAULT_CONSOLE_PATH;
}

/** A path of a host: everything below it, or it alone. */
export interface ConsolePath {
  readonly path: string;
  readonly exact: boolean;
}

/**
 * What of a host leads to the console: its path, and on a separate host the root, which leads there.
 * @param isShared the host also leads to the gateway or the API.
 */
export function consolePaths(effective: EffectiveSpec, isShared: boolean): ConsolePath[] {
  const path = { path: consolePath(effective), exact: false };
  return effective.console?.own && !isShared ? [path, { path: '/', exact: true }] : [path];
}

/** The settings of the console that its process reads. Its pods and its host are objects of Kubernetes. */
export function servedConsole({ own: _, ingress: __, httpRoute: ___, ...settings }: EffectiveConsole) {
  return settings;
}

/**
 * Address below which browsers have the path of the console, by the first that the spec has: `publicURL`, the host of the
 * Ingress, that of the HTTPRoute. Of a host it is https, as browsers keep sessions on no other.
 */
export function consoleURL({ console }: EffectiveSpec): string | undefined {
  const host = console?.ingress?.host ?? console?.httpRoute?.hostnames[0];
  return console?.publicURL ?? (host === undefined ? undefined : `https://${host}`);
}
