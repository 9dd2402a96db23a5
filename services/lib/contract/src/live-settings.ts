import type { ServerConfig } from './config.ts';

/**
 * Settings that a running process takes over from its config file; a name stands for all below it.
 * One that is added must be read through `LiveConfig` wherever it is used.
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
  'webhooks',
  'tracing',
  'offlinePush',
  'limits',
  'attempts',
  'cron',
  'tenantsRevision',
  'tenantsDir',
  'tenants',
];

/** Whether a change of this setting, such as `gateway.drain.maxPerSecond`, needs no restart. */
export function isLiveSetting(path: string): boolean {
  return LIVE_SETTINGS.some((live) => path === live || path.startsWith(`${live}.`));
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
