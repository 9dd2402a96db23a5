import { domainService } from '@im/domain';
import { tenantRefusals } from '@im/kit';
import { createSenders } from '@im/sms-mail';
import {
  clientLogRepo,
  cronRunRepo,
  cursorRepo,
  objectRepo,
  objectUploadRepo,
  pushPreferenceRepo,
  pushTokenRepo,
  tenantDataRepo,
  tenantExportRepo,
  thumbnailRepo,
  userRepo,
  verificationCodeRepo,
  webhookDeliveryRepo,
} from '@im/store';
import type { ThirdDeps } from './deps.ts';
import { cronMethods } from './methods/cron.ts';
import { formDataMethods } from './methods/form-data.ts';
import { logMethods } from './methods/logs.ts';
import { multipartUploadMethods } from './methods/multipart-upload.ts';
import { objectMethods } from './methods/objects.ts';
import { pushRegistrationMethods } from './methods/push-registration.ts';
import { quietHoursMethods } from './methods/quiet-hours.ts';
import { removeUserDataMethods } from './methods/remove-user-data.ts';
import { tenantExportMethods } from './methods/tenant-export.ts';
import { testPushMethods } from './methods/test-push.ts';
import { verificationMethods } from './methods/verification.ts';
import { webhookMethods } from './methods/webhooks.ts';
import { uploadSpace } from './objects/upload-space.ts';
import { createPurges } from './tenant-purge/purges.ts';
import { createThumbnails } from './thumbnails/thumbnails.ts';

/** Objects, client logs, push registrations. */
export const thirdService = domainService('third', {
  requires: ['blob', 'bus', 'webhooks'],
  settings: ['s3', 'offlinePush', 'webhooks'],
  build({ config, store, blob, bus, tenants, live, webhooks, log, metrics, tasks, ops }) {
    const current = () => live?.current ?? config;
    const objects = objectRepo(store);
    const uploads = objectUploadRepo(store);
    const thumbnails = createThumbnails(config.s3.thumbnails, {
      ...{ blob, objects, uploads, tenants, log, metrics, tasks },
      thumbnails: thumbnailRepo(store),
    });
    const allowedNetworks = () => current().webhooks.allowedNetworks;
    const senders = createSenders({ tenants, metrics, allowedNetworks });
    const deps: ThirdDeps = {
      blob,
      tenants,
      objects,
      space: uploadSpace(tenants, uploads, tenantRefusals(metrics)),
      thumbnails,
      accessHours: config.s3.accessHours,
      uploadHours: config.s3.uploadHours,
      logs: clientLogRepo(store),
      pushTokens: pushTokenRepo(store),
      preferences: pushPreferenceRepo(store),
      pushSettings: (tenant) => tenants.get(tenant)?.push ?? current().offlinePush,
      users: userRepo(store),
      allowedNetworks,
      webhooks,
      webhookDeliveries: webhookDeliveryRepo(store),
      cronRuns: cronRunRepo(store),
      exports: tenantExportRepo(store),
      codes: verificationCodeRepo(store),
      senders,
      codeMetrics: {
        sends: metrics.counter(
          'openim_verification_sends_total',
          'Verification codes to be sent, by outcome',
          ['channel', 'outcome'],
        ),
        attempts: metrics.counter(
          'openim_verification_attempts_total',
          'Attempts to verify a code, by outcome',
          ['outcome'],
        ),
      },
      log,
    };
    const purges = createPurges({
      ...{ bus, blob, tenants, tasks, log },
      data: tenantDataRepo(store),
      cursors: cursorRepo(store),
    });
    ops.handle('POST', '/tenants/purge', purges);
    const unsubscribe = tenants.onChange((id, settings) => {
      if (!settings) blob.forgetBucket(id);
    });
    return {
      methods: {
        ...objectMethods(deps),
        ...multipartUploadMethods(deps),
        ...formDataMethods(deps),
        ...logMethods(deps),
        ...pushRegistrationMethods(deps),
        ...quietHoursMethods(deps),
        ...removeUserDataMethods(deps),
        ...testPushMethods(deps),
        ...webhookMethods(deps),
        ...cronMethods(deps),
        ...tenantExportMethods(deps),
        ...verificationMethods(deps),
      },
      stop() {
        unsubscribe();
        senders.close();
        thumbnails.stop();
      },
    };
  },
});
