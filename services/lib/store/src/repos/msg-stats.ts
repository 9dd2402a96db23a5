import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR, type Metrics, sharedWork } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { countByDay, dayName, dayOf, startOf } from './count-by-day.ts';
import { MSG_ROWS } from './msg-row.ts';
import type { Period } from './msg-search.ts';

/** Messages of a period, by who sent them or where, and by UTC day. */
export interface MsgCounts {
  /** By sender, or by conversation. */
  readonly by: ReadonlyMap<string, number>;
  /** By UTC day, YYYY-MM-DD. */
  readonly days: Readonly<Record<string, number>>;
  readonly total: number;
}

/** What messages are counted by: the senders of a kind of conversation, or the groups. */
type Kind = 'si_ by sender' | 'sg_ by sender' | 'sg_ by group';

/** Counts of one day, or of the part of it that a period has. */
type DayCounts = ReadonlyMap<string, number>;

/** A scan of all messages of a kind, as far as it has come. */
interface Scan {
  /** Where it goes on: an `_id` that is not counted yet. */
  from: string;
  readonly counts: Map<number, Map<string, number>>;
}

/** Settings of {@link msgStats}; tests make them small. */
export interface MsgStatsOptions {
  /** Time of one call, ms; what is not counted by then goes on with the next. @default 5000 */
  readonly callMs?: number;
  /** Rows of one query. @default 50000 */
  readonly rowsPerQuery?: number;
  /** @default Date.now */
  readonly now?: () => number;
}

const CALL_MS = 5_000;
const ROWS_PER_QUERY = 50_000;
/** One query of a count. */
const STEP_MS = 5_000;
/** Of days that are over; what is removed from them meanwhile is still counted. */
const CLOSED_MS = 3_600_000;
/** Of days that go on, and of parts of days. */
const OPEN_MS = 60_000;
/** How long a scan waits for its next call. */
const SCAN_MS = 600_000;
/** Counts kept in a process, of all tenants: some 50 MB. */
const MAX_KEPT = 500_000;
/** Days of one question. */
const MAX_DAYS = 3_660;

/** Values by key until their time; the oldest go when they hold too much together. */
function keep<V>(weightOf: (value: V) => number, now: () => number) {
  const kept = new Map<string, { value: V; until: number; weight: number }>();
  let weight = 0;
  function remove(key: string): void {
    weight -= kept.get(key)?.weight ?? 0;
    kept.delete(key);
  }
  return {
    get weight() {
      return weight;
    },
    get(key: string): V | undefined {
      const found = kept.get(key);
      if (found && found.until > now()) return found.value;
      remove(key);
      return undefined;
    },
    set(key: string, value: V, ttlMs: number): void {
      remove(key);
      const entry = { value, until: now() + ttlMs, weight: 1 + weightOf(value) };
      kept.set(key, entry);
      weight += entry.weight;
      for (const [oldest] of kept) {
        if (weight <= MAX_KEPT) break;
        remove(oldest);
      }
    },
    remove,
  };
}

function sizeOf({ counts }: Scan): number {
  let size = 0;
  for (const day of counts.values()) size += day.size;
  return size;
}

/** Repository of administrators' questions about numbers of messages. Bounded, and never on a client's path. */
export type MsgStats = ReturnType<typeof msgStats>;

/**
 * Counts of messages. No index of messages by time exists, since each message would pay for it: a count reads all
 * messages once, in steps, and is kept by day. A count that does not end within a call goes on with the next.
 */
export function msgStats(store: Store, metrics: Metrics, options: MsgStatsOptions = {}) {
  const { callMs = CALL_MS, rowsPerQuery = ROWS_PER_QUERY, now = Date.now } = options;
  const days = keep<DayCounts>((counts) => counts.size, now);
  const scans = keep<Scan>(sizeOf, now);
  const running = new Map<string, Promise<Scan['counts']>>();
  metrics.observe(
    'openim_msg_counts_kept',
    'Counts of messages by day and sender or group that are kept for statistics',
    () => days.weight + scans.weight,
  );

  /** The parts of a period, by day; what goes on at its end counts as the whole day. */
  function split({ start, end }: Period): Period[] {
    const open = end > now() - OPEN_MS ? startOf(dayOf(Math.min(end, now())) + 1) : end;
    const [first, last] = [dayOf(start), dayOf(open - 1)];
    if (last - first >= MAX_DAYS) {
      throw new ImError(ERR.ArgsError, `start and end are more than ${MAX_DAYS} days apart: ask for less`);
    }
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => ({
      start: Math.max(start, startOf(first + i)),
      end: Math.min(open, startOf(first + i + 1)),
    }));
  }

  const nameOf = (tenant: TenantId, kind: Kind, { start, end }: Period) =>
    `${tenant}${KEY_SEPARATOR}${kind} ${start} ${end}`;

  /** Reads on where the scan stopped. @throws ImError 90004 when the time of a call was not enough. */
  async function scan(tenant: TenantId, kind: Kind, period: Period): Promise<Scan['counts']> {
    const name = nameOf(tenant, kind, period);
    const prefix = kind.slice(0, 3);
    const by = kind.endsWith('sender') ? '$s' : { $arrayElemAt: [{ $split: ['$_id', KEY_SEPARATOR] }, 1] };
    const deadline = Date.now() + callMs;
    return store.search(tenant, MSG_ROWS, async ({ col, key }) => {
      const first = key(prefix);
      // All conversations whose id begins with the prefix: the character after `_` is the backquote.
      const end = `${first.slice(0, -1)}\``;
      const state: Scan = scans.get(name) ?? { from: first, counts: new Map() };
      const lt = { $gte: period.start, $lt: period.end };
      for (;;) {
        const rest = { $gte: state.from, $lt: end };
        const [next] = await col
          .find(
            { _id: rest },
            { sort: { _id: 1 }, skip: rowsPerQuery, limit: 1, projection: { _id: 1 }, maxTimeMS: STEP_MS },
          )
          .toArray();
        const some = { $gte: state.from, $lt: next?._id ?? end };
        const found = await countByDay(col, [{ _id: some }, { lt }], 'lt', { maxTimeMS: STEP_MS, by });
        for (const { day, by: who, n } of found) {
          const counts = state.counts.get(day) ?? new Map<string, number>();
          const id = kind === 'sg_ by group' ? (who ?? '').slice(prefix.length) : (who ?? '');
          counts.set(id, (counts.get(id) ?? 0) + n);
          state.counts.set(day, counts);
        }
        if (!next) {
          scans.remove(name);
          return state.counts;
        }
        state.from = next._id;
        if (Date.now() >= deadline) {
          scans.set(name, state, SCAN_MS);
          throw new ImError(
            ERR.NetworkError,
            'messages are still being counted: ask again with the same start and end, which goes on from here',
          );
        }
      }
    });
  }

  /** The same scan for all who ask for it at once. */
  function scanOnce(tenant: TenantId, kind: Kind, period: Period): Promise<Scan['counts']> {
    const name = nameOf(tenant, kind, period);
    let scanning = running.get(name);
    if (!scanning) {
      scanning = sharedWork(() => scan(tenant, kind, period)).finally(() => running.delete(name));
      running.set(name, scanning);
    }
    return scanning;
  }

  /** Counts of each part of a period, in order. */
  async function count(tenant: TenantId, kind: Kind, period: Period): Promise<[day: number, DayCounts][]> {
    const parts = split(period);
    const known = parts.map((part) => days.get(nameOf(tenant, kind, part)));
    const missing = parts.filter((_, i) => known[i] === undefined);
    const [first, last] = [missing[0], missing.at(-1)];
    const scanned =
      first && last
        ? await scanOnce(tenant, kind, { start: first.start, end: last.end })
        : new Map<number, DayCounts>();
    return parts.map((part, i) => {
      const day = dayOf(part.start);
      const before = known[i];
      if (before) return [day, before];
      const counts = scanned.get(day) ?? new Map<string, number>();
      const over = part.end - part.start === startOf(1) && part.end < now() - OPEN_MS;
      days.set(nameOf(tenant, kind, part), counts, over ? CLOSED_MS : OPEN_MS);
      return [day, counts];
    });
  }

  function sum(counted: readonly (readonly [number, DayCounts])[]): MsgCounts {
    const by = new Map<string, number>();
    const perDay: Record<string, number> = {};
    let total = 0;
    for (const [day, counts] of [...counted].sort(([a], [b]) => a - b)) {
      for (const [id, n] of counts) {
        by.set(id, (by.get(id) ?? 0) + n);
        perDay[dayName(day)] = (perDay[dayName(day)] ?? 0) + n;
        total += n;
      }
    }
    return { by, days: perDay, total };
  }

  return guarded({
    /**
     * Messages of single chats, and of groups too when asked, by sender. Of the last minute some may be missing.
     * @throws ImError 90004 when there are too many for one call: asking again goes on.
     */
    async bySender(tenant: TenantId, period: Period, groupsToo: boolean): Promise<MsgCounts> {
      const kinds: Kind[] = groupsToo ? ['si_ by sender', 'sg_ by sender'] : ['si_ by sender'];
      const counts = await Promise.all(kinds.map((kind) => count(tenant, kind, period)));
      return sum(counts.flat());
    },

    /** Messages of groups, by group; otherwise as {@link bySender}. */
    async byGroup(tenant: TenantId, period: Period): Promise<MsgCounts> {
      return sum(await count(tenant, 'sg_ by group', period));
    },
  });
}
