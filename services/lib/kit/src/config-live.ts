import type { ServerConfig } from './config.ts';

/**
 * Settings that a running process takes over from its config file; a name stands for all below it.
 * Whoever adds one must read it through `LiveConfig` wherever it is used.
 */
export const LIVE_SETTINGS: readonly string[] = [
  'log.level',
  'shutdown',
  'rpc.key',
  'rpc.acceptMissingKey',
  'nats.logMaxBytes',
  'nats.seqMaxBytes',
  'nats.tenantLogShare',
  'gateway.maxConnections',
  'gateway.maxConnectionsPerUser',
  'gateway.requests',
  'gateway.handshakes',
  'gateway.drain',
  'push.wakesPerUser',
  'limits',
  'attempts',
  'cron',
  'tenants',
];

/** Whether a change of this setting, such as `gateway.drain.maxPerSecond`, needs no restart. */
export function isLiveSetting(path: string): boolean {
  return LIVE_SETTINGS.some((live) => path === live || path.startsWith(`${live}.`));
}

/** The config in force, of which the live settings change while the process runs. */
export interface LiveConfig {
  readonly current: ServerConfig;
  /** Called after every change of the file, with what is then in force. @returns what ends the subscription. */
  onChange(listener: (config: ServerConfig) => void): () => void;
}

/** A {@link LiveConfig} that whoever watches the file changes. */
export interface MutableLiveConfig extends LiveConfig {
  /**
   * Takes over the live settings of `next`.
   * @returns the other settings that differ from those in force: they wait for the next start.
   */
  apply(next: ServerConfig): readonly string[];
}

/** Begins with the config of the start. */
export function createLiveConfig(initial: ServerConfig): MutableLiveConfig {
  let current = initial;
  const listeners = new Set<(config: ServerConfig) => void>();
  return {
    get current() {
      return current;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    apply(next) {
      const merged = structuredClone(current);
      for (const path of LIVE_SETTINGS) putAt(merged, path, valueAt(next, path));
      const [inForce, wanted] = [settingsOf(merged), settingsOf(next)];
      current = merged;
      for (const listener of listeners) listener(current);
      return [...wanted].filter(([path, value]) => inForce.get(path) !== value).map(([path]) => path);
    },
  };
}

/** Every setting by its dotted path, with its value as JSON; a list is one setting. */
export function settingsOf(config: ServerConfig): Map<string, string> {
  const settings = new Map<string, string>();
  const visit = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      settings.set(path, JSON.stringify(value));
      return;
    }
    for (const [key, child] of Object.entries(value)) visit(child, path === '' ? key : `${path}.${key}`);
  };
  visit(config, '');
  return settings;
}

function valueAt(tree: object, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], tree);
}

function putAt(tree: object, path: string, value: unknown): void {
  const cut = path.lastIndexOf('.');
  const parent = cut < 0 ? tree : valueAt(tree, path.slice(0, cut));
  (parent as Record<string, unknown>)[path.slice(cut + 1)] = value;
}
