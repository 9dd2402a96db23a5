import { LIVE_SETTINGS, type ServerConfig, settingsOf } from '@im/contract';

/** The config in force, of which the live settings change while the process runs. */
export interface LiveConfig {
  /** Its tenants are those of the last change of the file; the tenant directory has those in force. */
  readonly current: ServerConfig;
  /** Called after every change of the file, with what is then in force. @returns what ends the subscription. */
  onChange(listener: (config: ServerConfig) => void): () => void;
}

/** A {@link LiveConfig} that the watcher of the file changes. */
export interface MutableLiveConfig extends LiveConfig {
  /**
   * Takes over the live settings of `next`.
   * @returns the other settings that differ from those in force: they wait for the next start.
   */
  apply(next: ServerConfig): readonly string[];
}

/** A live config that starts as `initial`. */
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

function valueAt(tree: object, path: string): unknown {
  return path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], tree);
}

function putAt(tree: object, path: string, value: unknown): void {
  const cut = path.lastIndexOf('.');
  const parent = cut < 0 ? tree : valueAt(tree, path.slice(0, cut));
  (parent as Record<string, unknown>)[path.slice(cut + 1)] = value;
}
