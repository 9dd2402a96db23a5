// Made from the settings that each service declares, by services/main/scripts/role-settings.ts.

/** Which settings each role reads at its start, besides those that every process reads. */
export const ROLE_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  gateway: ['gateway', 'nats', 'rpc'],
  api: ['api', 'nats', 'rpc'],
  rpc: ['gateway.presence.limitMs', 'mongo', 'nats', 'redis', 'rpc', 's3'],
  transfer: ['mongo', 'nats', 'redis', 'transfer'],
  push: ['mongo', 'nats', 'push', 'redis', 'rpc'],
  cron: ['mongo', 'redis', 'rpc', 's3'],
  console: ['api', 'nats', 'rpc'],
  prober: ['mongo', 'prober', 'redis'],
};
