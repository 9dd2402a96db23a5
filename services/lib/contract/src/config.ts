import { z } from 'zod';
import { ApiConfig } from './config/api.ts';
import { GatewayConfig } from './config/gateway.ts';
import { AttemptsConfig, LimitsConfig } from './config/limits.ts';
import { ProberConfig } from './config/prober.ts';
import { ListenConfig, LogConfig, OpsConfig, ShutdownConfig } from './config/process.ts';
import { RpcConfig } from './config/rpc.ts';
import { MongoConfig, NatsConfig, RedisConfig, S3Config } from './config/stores.ts';
import { TracingConfig } from './config/tracing.ts';
import { WebhooksConfig } from './config/webhooks.ts';
import { CronConfig, PushConfig, TransferConfig } from './config/workers.ts';
import { PushSettings } from './push-settings.ts';
import { TenantSettings } from './tenant-settings.ts';

/** The configuration of every role: one file serves all processes of a cluster, and each reads what it needs. */
export const ServerConfig = z.strictObject({
  log: LogConfig,
  listen: ListenConfig,
  ops: OpsConfig,
  shutdown: ShutdownConfig,
  gateway: GatewayConfig,
  api: ApiConfig,
  rpc: RpcConfig,
  nats: NatsConfig,
  mongo: MongoConfig,
  redis: RedisConfig,
  s3: S3Config,
  transfer: TransferConfig,
  push: PushConfig,
  webhooks: WebhooksConfig,
  tracing: TracingConfig,
  offlinePush: PushSettings.prefault({}).describe('Offline notifications of tenants without a section push.'),
  limits: LimitsConfig,
  attempts: AttemptsConfig,
  cron: CronConfig,
  prober: ProberConfig,
  tenantsRevision: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'Version of tenants, which the operator raises with every change: a process that was given newer tenants over its ops port ignores those of an older file. 0: the file always counts.',
    ),
  tenantsDir: z
    .string()
    .default('')
    .describe(
      'Folder with the tenants, in place of tenants and tenantsRevision: index.json has the revision and lists the other files with their revisions, each of which has a part of the list. The operator writes it. Empty: none.',
    ),
  tenants: z
    .array(TenantSettings)
    .default([])
    .describe(
      'Tenants known at the start; changes to the file take effect while the process runs. An invalid entry is refused alone.',
    ),
});
export type ServerConfig = z.infer<typeof ServerConfig>;

/** What a config looks like before defaults are filled in. */
export type ServerConfigInput = z.input<typeof ServerConfig>;

/** A config in which nothing is set. */
export const DEFAULT_CONFIG: ServerConfig = ServerConfig.parse({});
