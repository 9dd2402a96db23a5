import type { Blob } from '@im/blob';
import type { TenantDirectory } from '@im/kit';
import type { DomainService } from '@im/rpc';
import type { ClientLogRepo, ObjectRepo, PushTokenRepo, UserRepo } from '@im/store';
import type { UploadSpace } from './objects/upload-space.ts';

/** Some methods of the third domain: those of one file in `methods/`. */
export type ThirdMethods<M extends keyof DomainService<'third'>> = Pick<DomainService<'third'>, M>;

/** What the methods work with. */
export interface ThirdDeps {
  readonly blob: Blob;
  readonly objects: ObjectRepo;
  readonly space: UploadSpace;
  readonly logs: ClientLogRepo;
  readonly pushTokens: PushTokenRepo;
  readonly users: UserRepo;
  readonly tenants: TenantDirectory;
  /** Hours after which an upload that was not completed is removed. */
  readonly uploadHours: number;
}
