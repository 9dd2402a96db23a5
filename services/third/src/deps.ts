import type { Blob } from '@im/blob';
import type { PushSettings, TenantId } from '@im/contract';
import type { Counter, TenantDirectory } from '@im/kit';
import type { Logger } from '@im/process';
import type { DomainService } from '@im/rpc';
import type { Senders } from '@im/sms-mail';
import type {
  ClientLogRepo,
  CronRunRepo,
  ObjectRepo,
  PushPreferenceRepo,
  PushTokenRepo,
  TenantExportRepo,
  UserRepo,
  VerificationCodeRepo,
  WebhookDeliveryRepo,
} from '@im/store';
import type { Webhooks } from '@im/webhooks';
import type { UploadSpace } from './objects/upload-space.ts';
import type { Thumbnails } from './thumbnails/thumbnails.ts';

/** Some methods of the third domain: those of one file in `methods/`. */
export type ThirdMethods<M extends keyof DomainService<'third'>> = Pick<DomainService<'third'>, M>;

/** Counts verification codes. */
export interface CodeMetrics {
  readonly sends: Counter<'channel' | 'outcome'>;
  readonly attempts: Counter<'outcome'>;
}

/** What the methods work with. */
export interface ThirdDeps {
  readonly blob: Blob;
  readonly objects: ObjectRepo;
  readonly space: UploadSpace;
  readonly thumbnails: Thumbnails;
  readonly logs: ClientLogRepo;
  readonly pushTokens: PushTokenRepo;
  readonly preferences: PushPreferenceRepo;
  /** Offline notifications of a tenant, as they are in force. */
  readonly pushSettings: (tenant: TenantId) => PushSettings;
  /** Internal networks in which receivers of webhooks may be. */
  readonly allowedNetworks: () => readonly string[];
  readonly users: UserRepo;
  readonly tenants: TenantDirectory;
  readonly webhooks: Webhooks;
  readonly webhookDeliveries: WebhookDeliveryRepo;
  readonly cronRuns: Pick<CronRunRepo, 'jobs' | 'request'>;
  readonly exports: TenantExportRepo;
  /** Hours for which the URL of an object is valid. */
  readonly accessHours: number;
  readonly codes: VerificationCodeRepo;
  readonly senders: Senders;
  readonly codeMetrics: CodeMetrics;
  readonly log: Logger;
  /** Hours after which an upload that was not completed is removed. */
  readonly uploadHours: number;
}
