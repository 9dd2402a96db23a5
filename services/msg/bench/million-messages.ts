/**
 * What searches and the deletion of an account cost where a million messages are stored, without and with the indexes of
 * `cron.searchIndexes`.
 *
 *     node services/msg/bench/million-messages.ts [messages] [conversations] [all|indexed]
 */
import { tenantSettings } from '@im/contract';
import { eachLimited, systemContext } from '@im/kit';
import { ERR, encode, ImError, make, type msg } from '@im/protocol';
import {
  conversationSeqs,
  conversationSettings,
  groupMemberRepo,
  groupRepo,
  msgIndexes,
  msgRowChanges,
  msgSearch,
  seqUsers,
  userRepo,
} from '@im/store';
import { fillConversation, startMeasuredStore } from '@im/testing';
import { removeUserDataMethods } from '../src/methods/remove-user-data.ts';
import { searchMethods } from '../src/methods/search-message.ts';
import { messageSearchMethods } from '../src/methods/search-messages.ts';

const [messages = 1_000_000, conversations = 5_000] = process.argv.slice(2, 4).map(Number);
/** `indexed` leaves out what is measured without indexes. */
const part = process.argv[4] ?? 'all';
const USERS = 10_000;
const FILLED_AT_ONCE = 4;
const DAY_MS = 86_400_000;
const DAYS = 30;
/** Each of these is in all conversations and sent every hundredth message. */
const BUSY = ['before', 'after'];
/** Messages that contain the text that is looked for. */
const RARE = 20;

const tenant = tenantSettings({ id: 'bench', tokenSecret: 's', adminSecret: 's' });
await using measured = await startMeasuredStore(tenant);
const { store, phase } = measured;
const start = Date.now() - DAYS * DAY_MS;
const perPlace = Math.ceil(messages / conversations);
const idOf = (n: number) => (n % 2 === 0 ? `si_u${n}_u${n + 1}` : `sg_g${n}`);

async function fill(): Promise<void> {
  const step = Math.floor(messages / RARE);
  const numbers = Array.from({ length: conversations }, (_, n) => n);
  await eachLimited(numbers, FILLED_AT_ONCE, async (n) => {
    const conversationID = idOf(n);
    const rows = Array.from({ length: perPlace }, (_, i) => {
      const number = n * perPlace + i;
      const sendID = BUSY[number % 100] ?? `u${(n * 7 + i) % USERS}`;
      const words = number % step === 7 ? 'the needle' : 'hay hay hay '.repeat(8);
      const sendTime = start + Math.floor((i * DAYS * DAY_MS) / perPlace);
      const content = Buffer.from(JSON.stringify({ content: `${words} ${number}` }));
      const message = { sendID, contentType: 101, sendTime, content, clientMsgID: `c${number}` };
      const msgData = encode('sdkws.MsgData', make('sdkws.MsgData', message));
      return { sendID, msgData, sendTime, logTime: sendTime };
    });
    await fillConversation(store, { tenant: tenant.id, conversationID, after: 0 }, rows);
    const read = BUSY.map((userID) => ({ tenant: tenant.id, userID, conversationID, value: perPlace }));
    await seqUsers(store).raiseRead(read);
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
let { searchMessage } = searchMethods({ ...deps, readAudit });
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
  const totals: number[] = [];
  for (let before = -1; ; ) {
    const request = make('msg.SearchMessageReq', { ...query, pagination });
    const total = await searchMessage(context(), request).then(
      ({ chatLogsNum }) => chatLogsNum,
      (error: unknown) => {
        if (error instanceof ImError && error.code === ERR.NetworkError) return 0;
        throw error;
      },
    );
    totals.push(total);
    if (total === before && total > 0) return { totals };
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
  await phase('text, of a busy sender', () => searchAll({ text, sendID: 'after' }));
  await phase('text, in a conversation', () => searchAll({ text, conversationID: idOf(1) }));
  await phase('newest 100 of a day', () => newest({ start: from, end: to }));
  await phase('newest 100 of a sender', () => newest({ sendID: 'after' }));
  await phase('newest 100 of a conversation', () => newest({ conversationID: idOf(1) }));
  const day = new Date(from).toISOString().slice(0, 10);
  await phase('/msg/search_msg, a day', () => searchByPages({ sendTime: day }));
  await phase('/msg/search_msg, a sender', () => searchByPages({ sendID: 'after' }));
}

console.log(`${messages} messages in ${conversations} conversations`);
await phase('stored', fill, { explained: false });
if (part !== 'indexed') {
  console.log('without indexes');
  await searches();
  await phase('deletion with erasure', () => erase('before'));
}
await phase('indexes built', () => msgIndexes(store).set(tenant.id, true), { explained: false });
deps.search = msgSearch(store);
({ searchMessage } = searchMethods({ ...deps, readAudit }));
console.log('with indexes');
await searches();
await phase('deletion with erasure', () => erase('after'));
