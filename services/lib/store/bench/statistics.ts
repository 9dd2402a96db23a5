/**
 * What statistics cost: the first count of all messages, a count of some new ones, one without any, and the answers.
 *
 *     node services/lib/store/bench/statistics.ts [messages] [conversations] [users]
 */
import { tenantSettings } from '@im/contract';
import { UTC } from '@im/kit';
import { fillConversation, startMeasuredStore } from '@im/testing';
import { messageCounter, msgStats, statDayRepo } from '../src/index.ts';

const [messages = 1_000_000, conversations = 5_000, users = 10_000] = process.argv.slice(2).map(Number);
const DAYS = 30;
const { dayOf, startOf } = UTC;
const TODAY = dayOf(Date.now());
const NEW_MESSAGES = 1_000;

const tenant = tenantSettings({ id: 'bench', tokenSecret: 's', adminSecret: 's' });
await using measured = await startMeasuredStore(tenant);
const { store, metrics, phase } = measured;

/** Conversations: half of them groups. */
const idOf = (i: number) => (i % 2 === 0 ? `si_u${i % users}_u${(i + 1) % users}` : `sg_g${i}`);
const lastSeqs = new Map<string, number>();

/** Stores messages of conversations, each with as many as the others, over some days. */
async function fill(count: number, days: readonly number[], places: number): Promise<void> {
  const perPlace = Math.ceil(count / places);
  for (let n = 0; n < places; n++) {
    const conversationID = idOf(n);
    const after = lastSeqs.get(conversationID) ?? 0;
    lastSeqs.set(conversationID, after + perPlace);
    const rows = Array.from({ length: perPlace }, (_, i) => {
      const time = startOf(days[Math.floor((i * days.length) / perPlace)] ?? TODAY) + i;
      const sendID = `u${(n * 7 + i) % users}`;
      return { sendID, msgData: Buffer.alloc(300, 'm'), sendTime: time, logTime: time };
    });
    await fillConversation(store, { tenant: tenant.id, conversationID, after }, rows);
  }
}

const { signal } = new AbortController();
const count = () =>
  messageCounter(store).count(tenant.id, TODAY - 399, {
    messages: 2 * messages,
    until: Number.POSITIVE_INFINITY,
    signal,
  });
const period = { start: startOf(TODAY - DAYS), end: startOf(TODAY + 1) };
const answer =
  (work: (stats: ReturnType<typeof msgStats>) => ReturnType<ReturnType<typeof msgStats>['byGroup']>) =>
  async () => {
    const { by, total } = await work(msgStats(store, metrics));
    return { entries: by.size, total };
  };
console.log(`${messages} messages, ${conversations} conversations, ${users} users, ${DAYS} days`);
const days = Array.from({ length: DAYS }, (_, i) => TODAY - DAYS + 1 + i);
await phase('stored', () => fill(messages, days, conversations), { explained: false });
await phase('first count', count, { explained: false });
await phase('count without new messages', count);
await fill(NEW_MESSAGES, [TODAY], NEW_MESSAGES / 10);
await phase(`count of ${NEW_MESSAGES} new messages`, count);
await phase(
  'users of 30 days',
  answer((stats) => stats.bySender(tenant.id, period, true)),
);
await phase(
  'groups of 30 days',
  answer((stats) => stats.byGroup(tenant.id, period)),
);
await phase(
  'users of one day',
  answer((stats) => stats.bySender(tenant.id, { ...period, start: startOf(TODAY) }, true)),
);
await phase('daily figures', async () => {
  const found = await statDayRepo(store).days(tenant.id, { first: TODAY - 400, last: TODAY }, 500);
  return { days: found.length };
});
