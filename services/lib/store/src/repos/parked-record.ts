import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import { Binary } from 'mongodb';
import { guarded } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';
import { insertMissing } from './bulk-writes.ts';

/**
 * What is parked: a whole tenant, or one conversation of it with its notification conversation, named by what
 * their ids have in common (`a_b` of `si_a_b` and `n_a_b`). Empty: the whole tenant.
 */
export interface ParkedUnit {
  readonly tenant: TenantId;
  readonly conversation: string;
}

/** Says that a unit is parked in one partition. It exists from before the first record to after the last one. */
interface MarkerDocument {
  _id: string;
  tenant: TenantId;
  conversation: string;
  partition: number;
  /** Of the owner who works on it: one that lost the partition must not end what its heir has parked. */
  fence: number;
  reason: string;
  since: Date;
}

/** One record of the log that waits. `_id` sorts by position within a unit and partition. */
interface RecordDocument {
  _id: string;
  tenant: TenantId;
  position: number;
  timeMs: number;
  record: Binary;
}

/** A unit that is parked in one partition. */
export interface ParkedMarker extends ParkedUnit {
  readonly partition: number;
  readonly reason: string;
  readonly since: Date;
}

/** A record that waits. */
export interface ParkedRecord {
  readonly position: number;
  /** Log time, ms. */
  readonly timeMs: number;
  readonly record: Uint8Array;
}

/** Where records are parked. */
export interface ParkingPlace extends ParkedUnit {
  readonly partition: number;
  readonly fence: number;
}

/**
 * Records that transfer cannot fold yet, in log order, so that it can go on with those of other tenants and
 * conversations. They are in the shared database: a tenant's own may be what fails.
 */
export interface ParkedRecordRepo {
  /** All that is parked. Few, however many records there are. */
  markers(): Promise<ParkedMarker[]>;
  /** Takes over what is parked in these partitions. @param fences of the new owner, by partition. */
  takeOver(fences: ReadonlyMap<number, number>): Promise<ParkedMarker[]>;
  /** Adds records to a unit, durably; adding one again changes nothing. */
  add(place: ParkingPlace, reason: string, records: readonly ParkedRecord[]): Promise<void>;
  /** The first records of a unit in a partition, by position, up to about 8 MiB of them. */
  first(place: Omit<ParkingPlace, 'fence'>, limit: number): Promise<ParkedRecord[]>;
  /** Removes records up to and including this position. */
  removeUpTo(place: Omit<ParkingPlace, 'fence'>, position: number): Promise<void>;
  /** Ends the parking of a unit in a partition. @returns false when another owner has taken it over. */
  end(place: ParkingPlace): Promise<boolean>;
  count(place: Omit<ParkingPlace, 'fence'>): Promise<number>;
}

const MARKERS = 'parked_unit';
const RECORDS = 'parked_record';
/** Digits of the largest position. */
const POSITION_DIGITS = 16;
const MAX_BYTES = 8_388_608;
const AFTER_SEPARATOR = '\u0020';

type Place = Omit<ParkingPlace, 'fence'>;

function placeKey({ tenant, conversation, partition }: Place): string {
  return [tenant, conversation, partition].join(KEY_SEPARATOR);
}

function recordKey(place: Place, position: number): string {
  return placeKey(place) + KEY_SEPARATOR + String(position).padStart(POSITION_DIGITS, '0');
}

function rangeOf(place: Place) {
  const prefix = placeKey(place);
  return { $gt: prefix + KEY_SEPARATOR, $lt: prefix + AFTER_SEPARATOR };
}

/** The parked records of a store. */
export function parkedRecordRepo(store: Store): ParkedRecordRepo {
  const markers = () => store.shared<MarkerDocument>(MARKERS);
  const records = () => store.shared<RecordDocument>(RECORDS);

  async function mark(place: ParkingPlace, reason: string): Promise<void> {
    const { tenant, conversation, partition, fence } = place;
    const _id = placeKey(place);
    const marker = { _id, tenant, conversation, partition, fence, reason, since: new Date() };
    if (await insertNew(markers(), marker)) return;
    await markers().updateOne({ _id }, { $max: { fence }, $set: { reason } });
  }

  return guarded<ParkedRecordRepo>({
    async markers() {
      return markers().find({}).toArray();
    },
    async takeOver(fences) {
      const found = await markers()
        .find({ partition: { $in: [...fences.keys()] } })
        .toArray();
      for (const { _id, partition } of found) {
        await markers().updateOne({ _id }, { $max: { fence: fences.get(partition) ?? 0 } });
      }
      return found;
    },
    async add(place, reason, list) {
      await mark(place, reason);
      const documents = list.map(({ position, timeMs, record }) => ({
        _id: recordKey(place, position),
        tenant: place.tenant,
        position,
        timeMs,
        record: new Binary(record),
      }));
      await insertMissing(records(), documents);
    },
    async first(place, limit) {
      const out: ParkedRecord[] = [];
      let bytes = 0;
      const cursor = records().find({ _id: rangeOf(place) }, { sort: { _id: 1 }, limit, batchSize: 50 });
      for await (const { position, timeMs, record } of cursor) {
        out.push({ position, timeMs, record: record.buffer.subarray(0, record.position) });
        bytes += record.position;
        if (bytes >= MAX_BYTES) break;
      }
      return out;
    },
    async removeUpTo(place, position) {
      const { $gt } = rangeOf(place);
      await records().deleteMany({ _id: { $gt, $lte: recordKey(place, position) } });
    },
    async end(place) {
      const { deletedCount } = await markers().deleteOne({ _id: placeKey(place), fence: place.fence });
      return deletedCount === 1;
    },
    count: async (place) => records().countDocuments({ _id: rangeOf(place) }),
  });
}
