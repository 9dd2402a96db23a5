import { domainService } from '@im/domain';
import { clientLogRepo, objectRepo, objectUploadRepo, pushTokenRepo, userRepo } from '@im/store';
import { createThirdService } from './third-service.ts';

/** Objects, client logs, push registrations. */
export const thirdService = domainService('third', {
  requires: ['blob'],
  build({ config, store, blob, tenants }) {
    return {
      methods: createThirdService({
        blob,
        tenants,
        objects: objectRepo(store),
        openUploads: objectUploadRepo(store),
        uploadHours: config.s3.uploadHours,
        logs: clientLogRepo(store),
        pushTokens: pushTokenRepo(store),
        users: userRepo(store),
      }),
    };
  },
});
