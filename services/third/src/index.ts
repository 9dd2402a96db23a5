import type { Blob } from '@im/blob';
import { type BaseDeps, READY, type Service, type ServiceModule } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import { clientLogRepo, objectRepo, objectUploadRepo, pushTokenRepo, type Store, userRepo } from '@im/store';
import { createThirdService } from './third-service.ts';

/** What third needs of its process. */
export type ThirdDeps = BaseDeps & { rpc: RpcRegistry; store: Store; blob: Blob };

/** Objects, client logs, push registrations. */
export const module: ServiceModule<ThirdDeps> = {
  name: 'third',
  needs: ['rpc', 'store', 'blob'],
  async create(config, { rpc, store, blob, tenants }): Promise<Service> {
    rpc.bind(
      'third',
      createThirdService({
        blob,
        tenants,
        objects: objectRepo(store),
        openUploads: objectUploadRepo(store),
        uploadHours: config.s3.uploadHours,
        logs: clientLogRepo(store),
        pushTokens: pushTokenRepo(store),
        users: userRepo(store),
      }),
    );
    return { start: async () => {}, stop: async () => {}, ready: () => READY };
  },
};
