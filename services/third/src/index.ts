import { domainService } from '@im/domain';
import { clientLogRepo, objectRepo, objectUploadRepo, pushTokenRepo, userRepo } from '@im/store';
import type { ThirdDeps } from './deps.ts';
import { formDataMethods } from './methods/form-data.ts';
import { logMethods } from './methods/logs.ts';
import { multipartUploadMethods } from './methods/multipart-upload.ts';
import { objectMethods } from './methods/objects.ts';
import { pushRegistrationMethods } from './methods/push-registration.ts';
import { uploadSpace } from './objects/upload-space.ts';

/** Objects, client logs, push registrations. */
export const thirdService = domainService('third', {
  requires: ['blob'],
  settings: ['s3'],
  build({ config, store, blob, tenants }) {
    const deps: ThirdDeps = {
      blob,
      tenants,
      objects: objectRepo(store),
      space: uploadSpace(tenants, objectUploadRepo(store)),
      uploadHours: config.s3.uploadHours,
      logs: clientLogRepo(store),
      pushTokens: pushTokenRepo(store),
      users: userRepo(store),
    };
    return {
      methods: {
        ...objectMethods(deps),
        ...multipartUploadMethods(deps),
        ...formDataMethods(deps),
        ...logMethods(deps),
        ...pushRegistrationMethods(deps),
      },
    };
  },
});
