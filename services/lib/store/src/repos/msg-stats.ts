import type { TenantId } from '@im/contract';
import { type Calendar, dayName, KEY_SEPARATOR, type Metrics, sharedWork } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { cronRunRepo } from './cron-run.ts';
import type { Period } from './msg-query.ts';
import { type StatState, statBatches } from './stat-batch.ts';
import type { DaySpan } from './stat-day.ts';
import { type DayCounts, foldParts, STAT_PARTS } from './stat-part.ts';

/** Name of the job of cron that counts. */
export const STATISTICS_JOB = 'count-statistics';

/** Messages of a period, by who sent them or where, and by day. */
export interface MsgCounts {
  /** By sender, or by group. */
  readonly by: ReadonlyMap<string, number>;
  /** By day in the tenant's time zone, YYYY-MM-DD. */
  readonly days: Readonly<Record<string, number>>;
  readonly total: number;
}

/** What messages are counted by: senders to single chats, to these and groups, or groups. */
type Kind = 'single by sender' | 'all by sender' | 'by group';

/** Settings of {@link msgStats}; tests make them small. */
export interface MsgStatsOptions {
  /** Longest time of one answer, ms. @default 8000 */
  readonly answerMs?: number;
  /** Users or groups of one answer. @default 2000000 */
  readonly maxEntries?: number;
  /** @default Date.now */
  readonly now?: () => number;
}

const NOTHING_COUNTED: MsgCounts = { by: new Map(), days: {}, total: 0 };
const ANSWER_MS = 8_000;
const MAX_ENTRIES = 2_000_000;
/** When the last count is older, a new one is asked for. */
const FRESH_MS = 120_000;
/** So often it is asked for, by each process. */
const ASK_MS = 60_000;
/** Tenants whose asking is remembered. */
const MAX_ASKED = 10_000;
/** How long a result is kept for its other pages. */
const KEPT_MS = 600_000;
/** Counts kept in a process, of all tenants: some 50 MB. */
const MAX_KEPT = 500_000;
/** Days of one question. */
export const MAX_STAT_DAYS = 3_660;

/** Results by name, the oldest go when they hold too much together. */
function keptResults(now: () => number) {
  const kept = new Map<string, { counts: MsgCounts; until: number }>();
  let weight = 0;
  function remove(name: string): void {
    weight -= kept.get(name)?.counts.by.size ?? 0;
    kept.delete(name);
  }
  return {
    get weight() {
      return weight;
    },
    get(name: string): MsgCounts | undefined {
      const found = kept.get(name);
      if (found && found.until > now()) return found.counts;
      remove(name);
      return undefined;
    },
    set(name: string, counts: MsgCounts): void {
      remove(name);
      kept.set(name, { counts, until: now() + KEPT_MS });
      weight += counts.by.size;
      for (const [oldest] of kept) {
        if (weight <= MAX_KEPT) break;
        remove(oldest);
      }
    },
  };
}

/** Repository of administrators' questions about numbers of messages. Bounded, and never on a client's path. */
export type MsgStats = ReturnType<typeof msgStats>;

/**
 * Counts of messages by user and group, for whole days of the tenant's time zone. They are read from what cron has counted: no message is
 * looked at. A question about a day that goes on asks for a new count where the last one is older than two minutes.
 */
export function msgStats(store: Store, metrics: Metrics, options: MsgStatsOptions = {}) {
  const { answerMs = ANSWER_MS, maxEntries = MAX_ENTRIES, now = Date.now } = options;
  const kept = keptResults(now);
  const running = new Map<string, Promise<MsgCounts>>();
  const asked = new Map<TenantId, number>();
  metrics.observe(
    'openim_msg_counts_kept',
    'Counts of messages by sender or group that are kept for statistics',
    () => kept.weight,
  );

  /** Asks cron to count, not more than once a minute. What was counted is of use without it. */
  async function ask(tenant: TenantId): Promise<void> {
    if ((asked.get(tenant) ?? Number.NEGATIVE_INFINITY) > now() - ASK_MS) return;
    if (asked.size >= MAX_ASKED) asked.clear();
    asked.set(tenant, now());
    await cronRunRepo(store)
      .request({ job: STATISTICS_JOB, tenant }, new Date())
      .catch(() => undefined);
  }

  async function stateOf(tenant: TenantId, last: number): Promise<StatState> {
    const state = await statBatches(store, tenant).state();
    if (state.countedTo < now() - FRESH_MS && store.calendarOf(tenant).dayOf(state.countedTo) <= last)
      await ask(tenant);
    return state;
  }

  /** The number of the last count of these days; undefined before the first count has ended. */
  async function counted(tenant: TenantId, span: DaySpan): Promise<number | undefined> {
    const { batch, countedTo } = await stateOf(tenant, span.last);
    return countedTo > 0 ? batch : undefined;
  }

  async function read(tenant: TenantId, kind: Kind, span: DaySpan): Promise<MsgCounts> {
    const deadline = Date.now() + answerMs;
    const tooMuch = (what: string) =>
      new ImError(ERR.ArgsError, `${what}: choose start and end closer together`);
    return store.search(tenant, STAT_PARTS, async (view) => {
      const start = () => ({ by: new Map<string, number>(), days: new Map<number, number>() });
      const { by, days } = await foldParts(view, span, start, (sum, counts) => {
        if (Date.now() > deadline) throw tooMuch('these days have too many counts');
        if (sum.by.size > maxEntries) throw tooMuch(`these days have more than ${maxEntries} entries`);
        const dayTotal = addTo(sum.by, kind, counts);
        if (dayTotal > 0) sum.days.set(counts.day, (sum.days.get(counts.day) ?? 0) + dayTotal);
      });
      const named = [...days].sort(([a], [b]) => a - b).map(([day, n]) => [dayName(day), n] as const);
      return { by, days: Object.fromEntries(named), total: named.reduce((sum, [, n]) => sum + n, 0) };
    });
  }

  /** The same answer for all who ask for it at once, and for its other pages. */
  async function answer(tenant: TenantId, kind: Kind, period: Period): Promise<MsgCounts> {
    const span = daysOf(period, store.calendarOf(tenant));
    const batch = await counted(tenant, span);
    if (batch === undefined) return NOTHING_COUNTED;
    const name = [tenant, kind, span.first, span.last, batch].join(KEY_SEPARATOR);
    const known = kept.get(name);
    if (known) return known;
    let reading = running.get(name);
    if (!reading) {
      reading = sharedWork(() => read(tenant, kind, span)).finally(() => running.delete(name));
      running.set(name, reading);
    }
    const counts = await reading;
    if (counts.by.size <= MAX_KEPT) kept.set(name, counts);
    return counts;
  }

  return guarded({
    /**
     * Messages of single chats, and of groups too when asked, by sender: of all days that the period touches.
     * None before the first count has ended: {@link countedTo} is 0 then.
     * @throws ImError 1001 for too many days.
     */
    bySender: (tenant: TenantId, period: Period, groupsToo: boolean) =>
      answer(tenant, groupsToo ? 'all by sender' : 'single by sender', period),

    /** Messages of groups, by group; otherwise as {@link bySender}. */
    byGroup: (tenant: TenantId, period: Period) => answer(tenant, 'by group', period),

    /** Messages logged before this time are counted, ms; 0 before the first count has ended. Asks for a new count, too. */
    countedTo: async (tenant: TenantId) => (await stateOf(tenant, Number.POSITIVE_INFINITY)).countedTo,
  });
}

/** Adds the counts of a document. @returns the messages in it. */
function addTo(by: Map<string, number>, kind: Kind, { single, group, users, groups }: DayCounts): number {
  if (kind === 'by group') {
    for (const [i, id] of groups.ids.entries()) by.set(id, (by.get(id) ?? 0) + (groups.count[i] ?? 0));
    return group;
  }
  for (const [i, id] of users.ids.entries()) {
    const n = (users.single[i] ?? 0) + (kind === 'all by sender' ? (users.group[i] ?? 0) : 0);
    if (n > 0) by.set(id, (by.get(id) ?? 0) + n);
  }
  return kind === 'all by sender' ? single + group : single;
}

/** The days that a period touches. @throws ImError 1001 for too many. */
export function daysOf({ start, end }: Period, calendar: Calendar): DaySpan {
  const first = calendar.dayOf(start);
  const last = Math.max(first, calendar.dayOf(end - 1));
  if (last - first >= MAX_STAT_DAYS) {
    throw new ImError(ERR.ArgsError, `start and end are more than ${MAX_STAT_DAYS} days apart: ask for less`);
  }
  return { first, last };
}
