import { randomUUID } from 'node:crypto';
import type { TenantSettings } from '@im/contract';
import { type CallContext, type TenantDirectory, type TenantRefusals, unknownTenant } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { ObjectUploadRepo, OpenUpload, StoredObject } from '@im/store';

/** Most open uploads of a user. */
const MAX_OPEN = 1_000;

/** The settings of the caller's tenant. @throws ImError 90004 while this process does not know it. */
export function tenantOf(ctx: CallContext, tenants: TenantDirectory): TenantSettings {
  const settings = tenants.get(ctx.tenant);
  if (!settings) throw unknownTenant(ctx.tenant);
  return settings;
}

/** Space for uploads: their bytes are counted from the start of the upload, so that a quota holds. */
export interface UploadSpace {
  /** @throws ImError 1002 for an object larger than the tenant allows. */
  checkSize(ctx: CallContext, size: number): void;
  /** @throws ImError 429 when the user has too many uploads open. */
  checkOpen(ctx: CallContext): Promise<void>;
  /**
   * Counts and records a new upload.
   * @throws ImError 1002 when it does not fit into the tenant's quota.
   */
  open(ctx: CallContext, upload: Pick<OpenUpload, 'kind' | 'key' | 'storageId' | 'size'>): Promise<string>;
  /** Ends an upload; the caller that ended it names the bytes. @returns false when it has ended or expired already. */
  take(ctx: CallContext, id: string): Promise<boolean>;
  isOpen(ctx: CallContext, id: string): Promise<boolean>;
  /** Takes back what was counted, as the bytes existed already. */
  release(ctx: CallContext, size: number): Promise<void>;
  /** A name refers to other bytes than before; the former ones are removed when no name refers to them. */
  replaced(ctx: CallContext, before: StoredObject | undefined, key: string): Promise<void>;
}

/** The space of the tenants. */
export function uploadSpace(
  tenants: TenantDirectory,
  uploads: ObjectUploadRepo,
  refusals: TenantRefusals,
): UploadSpace {
  return {
    checkSize(ctx, size) {
      const most = tenantOf(ctx, tenants).quotas.objectBytes;
      if (most > 0 && size > most) {
        throw new ImError(
          ERR.NoPermissionError,
          `size: ${size} bytes are more than an object of this tenant may have (quotas.objectBytes ${most})`,
        );
      }
    },
    async checkOpen(ctx) {
      if (!ctx.opAdmin && (await uploads.countOf(ctx.tenant, ctx.opUserID, MAX_OPEN)) >= MAX_OPEN) {
        throw new ImError(
          ERR.TooManyRequests,
          `${MAX_OPEN} uploads are open: complete some, or wait until they expire`,
        );
      }
    },
    async open(ctx, { kind, key, storageId, size }) {
      const most = tenantOf(ctx, tenants).quotas.storageBytes;
      if (!(await uploads.reserve(ctx.tenant, size, most))) {
        refusals.note(ctx.tenant, 'storageBytes');
        throw new ImError(
          ERR.NoPermissionError,
          `size: ${size} bytes do not fit into the storage of this tenant (quotas.storageBytes ${most})`,
        );
      }
      const id = randomUUID();
      const createTime = Date.now();
      await uploads.put(ctx.tenant, { id, kind, userID: ctx.opUserID, key, storageId, size, createTime });
      return id;
    },
    take: (ctx, id) => uploads.take(ctx.tenant, id),
    isOpen: (ctx, id) => uploads.has(ctx.tenant, id),
    release: (ctx, size) => uploads.release(ctx.tenant, size),
    async replaced(ctx, before, key) {
      if (!before || before.key === key) return;
      await uploads.put(ctx.tenant, {
        id: `orphan/${before.key}`,
        kind: 'orphan',
        userID: '',
        key: before.key,
        storageId: '',
        size: before.size,
        createTime: Date.now(),
      });
    },
  };
}
