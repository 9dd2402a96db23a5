/**
 * What searches, statistics and the deletion of an account cost where a million messages are stored, with the indexes of
 * `cron.searchIndexes` or without them. The indexes are made before the messages.
 *
 *     node services/msg/bench/million-messages.ts [messages] [conversations] [indexed|plain] [part ...]
 *
 * Parts are `searches`, `statistics` and `deletion`; all of them without an argument.
 */
import { tenantSettings } from '@im/contract';
import { systemContext, UTC } from '@im/kit';
import { ERR, ImError, make, type msg } from '@im/protocol';
import {
  conversationSeqs,
  conversationSettings,
  groupMemberRepo,
  groupRepo,
  messageCounter,
  msgRowChanges,
  msgSearch,
  msgStats,
  seqUsers,
  userRepo,
} from '@im/store';
import { fillMessages, startMeasuredStore } from '@im/testing';
import { removeUserDataMethods } from '../src/methods/remove-user-data.ts';
import { searchMethods } from '../src/methods/search-message.ts';
import { messageSearchMethods } from '../src/methods/search-messages.ts';

const [messages = 1_000_000, conversations = 5_000] = process.argv.slice(2, 4).map(Number);
const indexed = (process.argv[4] ?? 'indexed') === 'indexed';
const parts = process.argv.slice(5);
const isWanted = (part: string) => parts.length === 0 || parts.includes(part);
const USERS = 10_000;
const DAY_MS = 86_400_000;
const DAYS = 30;
/** They are in all conversations, and each sent every hundredth message. */
const BUSY = ['busy', 'leaving'];
/** Messages that contain the text that is looked for. */
const NEEDLES = 20;
/** A million messages with two more indexes do not fit into the cache of the tests. */
const CACHE = '2G';

const tenant = tenantSettings({ id: 'bench', tokenSecret: 's', adminSecret: 's' });
// The disk is not what is measured.
await using measured = await startMeasuredStore(tenant, { cacheSize: CACHE, syncOnCommit: false });
const { store, phase } = measured;
const start = Date.now() - DAYS * DAY_MS;
const perPlace = Math.ceil(messages / conversations);
const idOf = (n: number) => (n % 2 === 0 ? `si_u${n}_u${n + 1}` : `sg_g${n}`);

async function fill(): Promise<void> {
  await fillMessages(store, {
    ...{ tenant: tenant.id, messages, conversations, idOf, needles: NEEDLES, start, indexed },
    senderOf: (n, i) => BUSY[(n * perPlace + i) % 100] ?? `u${(n * 7 + i) % USERS}`,
    async onFilled(n) {
      const conversationID = idOf(n);
      const read = BUSY.map((userID) => ({ tenant: tenant.id, userID, conversationID, value: perPlace }));
      await seqUsers(store).raiseRead(read);
    },
  });
}

const deps = {
  search: msgSearch(store),
  changes: msgRowChanges(store),
  conversationSeqs: conversationSeqs(store),
  seqUsers: seqUsers(store),
  conversationSettings: conversationSettings(store),
  users: userRepo(store),
  groups: groupRepo(store),
  members: groupMemberRepo(store),
};
const { searchMessages } = messageSearchMethods(deps);
const { removeUserData } = removeUserDataMethods(deps);
const readAudit = { record: async () => {}, start() {} };
const { searchMessage } = searchMethods({ ...deps, readAudit });
const context = () => systemContext(tenant.id, '', { timeoutMs: 60_000 });

/** All pages of a search. */
async function searchAll(query: Partial<msg.SearchMessagesReq>) {
  let [cursor, pages, hits, examined, longest] = ['', 0, 0, 0, 0];
  do {
    const startedAt = performance.now();
    const request = make('msg.SearchMessagesReq', { limit: 100, ...query, cursor });
    const answer = await searchMessages(context(), request);
    longest = Math.max(longest, Math.round(performance.now() - startedAt));
    pages++;
    hits += answer.messages.length;
    examined += answer.examined;
    cursor = answer.cursor;
  } while (cursor !== '');
  return { pages, hits, examined, longest };
}

/** The first page of a search. */
async function newest(query: Partial<msg.SearchMessagesReq>) {
  const answer = await searchMessages(context(), make('msg.SearchMessagesReq', { limit: 100, ...query }));
  return { hits: answer.messages.length, examined: answer.examined };
}

/** The first page in OpenIM's form, asked for until its total no longer grows. */
async function searchByPages(query: Partial<msg.SearchMessageReq>) {
  const pagination = make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 20 });
  const totals: (number | undefined)[] = [];
  for (let before: number | undefined; ; ) {
    const request = make('msg.SearchMessageReq', { ...query, pagination });
    const total = await searchMessage(context(), request).then(
      ({ chatLogsNum }) => chatLogsNum,
      (error: unknown) => {
        if (error instanceof ImError && error.code === ERR.NetworkError) return undefined;
        throw error;
      },
    );
    totals.push(total);
    if (total !== undefined && total === before) return { totals };
    before = total;
  }
}

/** Removes what a user sent, part by part. */
async function erase(userID: string) {
  let [cursor, calls, removed, longest] = ['', 0, 0, 0];
  for (let more = true; more; calls++) {
    const startedAt = performance.now();
    const request = make('account.RemoveUserDataReq', { userID, erase: true, cursor });
    const answer = await removeUserData(context(), request);
    longest = Math.max(longest, Math.round(performance.now() - startedAt));
    removed += answer.removed;
    ({ cursor, more } = answer);
  }
  return { calls, removed, longest };
}

async function searches(): Promise<void> {
  const text = 'Needle';
  const [from, to] = [start + DAY_MS, start + 2 * DAY_MS];
  await phase('text, everywhere', () => searchAll({ text }));
  await phase('text, in a day', () => searchAll({ text, start: from, end: to }));
  await phase('text, of a busy sender', () => searchAll({ text, sendID: 'busy' }));
  await phase('text, in a conversation', () => searchAll({ text, conversationID: idOf(1) }));
  await phase('newest 100', () => newest({}));
  await phase('newest 100 of a day', () => newest({ start: from, end: to }));
  await phase('newest 100 of a sender', () => newest({ sendID: 'busy' }));
  await phase('newest 100 of a conversation', () => newest({ conversationID: idOf(1) }));
  const sendTime = new Date(from).toISOString().slice(0, 10);
  await phase('/msg/search_msg, a day', () => searchByPages({ sendTime }));
  await phase('/msg/search_msg, a sender', () => searchByPages({ sendID: 'busy' }));
  await phase('/msg/search_msg, a sender on a day', () => searchByPages({ sendID: 'busy', sendTime }));
}

async function statistics(): Promise<void> {
  const { dayOf, startOf } = UTC;
  const today = dayOf(Date.now());
  const { signal } = new AbortController();
  const count = () =>
    messageCounter(store).count(tenant.id, today - 399, {
      ...{ messages: 2 * messages, until: Number.POSITIVE_INFINITY, signal },
    });
  const period = { start: startOf(today - DAYS), end: startOf(today + 1) };
  const stats = msgStats(store, measured.metrics);
  await phase('first count', count, { explained: false });
  await phase('count without new messages', count);
  await phase('users of 30 days', async () => {
    const { by, total } = await stats.bySender(tenant.id, period, true);
    return { users: by.size, total };
  });
  await phase('groups of 30 days', async () => {
    const { by, total } = await stats.byGroup(tenant.id, period);
    return { groups: by.size, total };
  });
}

console.log(
  `${messages} messages in ${conversations} conversations, ${indexed ? 'with' : 'without'} indexes`,
);

await phase('stored', fill, { explained: false });
if (isWanted('searches')) await searches();
if (isWanted('statistics')) await statistics();
if (isWanted('deletion')) await phase('deletion with erasure', () => erase('leaving'));
