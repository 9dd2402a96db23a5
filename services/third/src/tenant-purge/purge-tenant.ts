import { randomBytes } from 'node:crypto';
import type { Blob } from '@im/blob';
import type { Bus } from '@im/bus';
import { DEFAULT_TENANT, type TenantId, type TenantPurge, type TenantPurgeReport } from '@im/contract';
import { sleep } from '@im/kit';
import { encode, make } from '@im/protocol';
import { type CursorRepo, type TenantDataRepo, toStreamPosition } from '@im/store';

/** What a purge works on. */
export interface PurgeParts {
  readonly bus: Pick<Bus, 'log' | 'tenantRecords'>;
  readonly blob: Pick<Blob, 'removeSome'>;
  readonly data: TenantDataRepo;
  readonly cursors: Pick<CursorRepo, 'read'>;
}

/** What a purge has done so far. */
export interface PurgeProgress {
  step: TenantPurgeReport['step'];
  readonly removed: { -readonly [K in keyof TenantPurgeReport['removed']]: number };
}

/** Interval of looks at how far the log is folded, ms. */
const LOOK_MS = 200;
/** For so long transfer is waited for, before the purge fails and is repeated, ms. */
const FOLD_MS = 60_000;

/**
 * Removes everything that is stored of a tenant, until a scan of all stores finds nothing. It may be interrupted and
 * repeated at any time, and run twice at once. No process may serve the tenant any more.
 */
export async function purgeTenant(
  { placement, tenant }: TenantPurge & { readonly tenant: TenantId },
  parts: PurgeParts,
  progress: PurgeProgress,
  signal: AbortSignal,
): Promise<void> {
  const { data, blob, bus } = parts;
  const { removed } = progress;
  do {
    progress.step = 'log';
    removed.records += await purgeRecords(tenant, parts, signal);
    progress.step = 'documents';
    for (let count = 1; count > 0; removed.documents += count) {
      signal.throwIfAborted();
      count = await data.removeDocuments(tenant, placement);
    }
    progress.step = 'keys';
    removed.keys += await data.removeKeys(tenant, signal);
    progress.step = 'objects';
    for (let count: number | undefined = 0; count !== undefined; removed.objects += count ?? 0) {
      signal.throwIfAborted();
      count = await blob.removeSome(tenant);
    }
    progress.step = 'scan';
  } while (
    (await bus.tenantRecords.count(tenant)) > 0 ||
    (await data.isLeft(tenant, placement, signal)) ||
    (await blob.removeSome(tenant)) !== undefined
  );
}

/**
 * Removes the tenant's records from the streams, from the log when they are folded. Each consumer of the log recognizes it
 * by the record at its position, so each is first moved on to a record of its partition that folds to nothing.
 */
async function purgeRecords(
  tenant: TenantId,
  { bus, cursors }: Pick<PurgeParts, 'bus' | 'cursors'>,
  signal: AbortSignal,
): Promise<number> {
  const partitions = await bus.tenantRecords.partitions(tenant);
  const moved = new Map<number, number>();
  for (const partition of partitions) {
    const { position } = await bus.log.append(DEFAULT_TENANT, partition, emptyRecord(), { whenFull: true });
    moved.set(partition, position);
  }
  const deadline = Date.now() + FOLD_MS;
  while (!(await areFolded(moved, cursors))) {
    if (Date.now() > deadline) throw new Error('transfer does not fold the log; is it running?');
    await sleep(LOOK_MS, signal);
  }
  const ofLog = partitions.length === 0 ? 0 : await bus.tenantRecords.removeFromLog(tenant);
  return ofLog + (await bus.tenantRecords.removeOthers(tenant));
}

/** Whether every partition is folded up to and including a position in it, and says so where a successor reads it. */
async function areFolded(
  positions: ReadonlyMap<number, number>,
  cursors: Pick<CursorRepo, 'read'>,
): Promise<boolean> {
  if (positions.size === 0) return true;
  const { partitions, consumers, epoch } = await cursors.read();
  return [...positions].every(([partition, position]) => {
    const at = partitions.find((each) => each.partition === partition);
    const applied = Math.max(at?.applied ?? 0, consumers.get(at?.consumer ?? '')?.applied ?? 0);
    return toStreamPosition(epoch, applied) >= position;
  });
}

function emptyRecord(): Uint8Array {
  const dedupKey = randomBytes(16);
  return encode('log.Record', make('log.Record', { dedupKey, version: 1, tenant: DEFAULT_TENANT }));
}
