import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '@im/process';
import type { Document } from 'mongodb';
import {
  accountStatistics,
  conversationSeqs,
  destructRepo,
  messageCounter,
  msgIndexes,
  msgRowChanges,
  msgRows,
  msgSearch,
  msgStats,
  retentionRepo,
  seqUsers,
  statDayRepo,
  statRetention,
} from '../src/index.ts';
import { SHARED } from './harness.ts';
import { queryPlans } from './query-plans.ts';
import { growingShape } from './query-shape.ts';

const [tenant] = SHARED;
const cid = 'si_a_b';
const plans = queryPlans();

test('every query on messages, conversation truth and bounds reads by an index', async () => {
  const { store } = plans;
  const rows = msgRows(store);
  const changes = msgRowChanges(store);
  const conv = conversationSeqs(store);
  const users = seqUsers(store);
  const stats = msgStats(store, createMetrics());
  const search = msgSearch(store);
  const period = { start: 1, end: 9 };
  const page = { skip: 0, limit: 5 };
  const span = { first: 1, last: 9 };
  const ref = { tenant, userID: 'a', conversationID: cid };
  const by = { role: 0, userID: 'a', nickname: '', time: 0 };
  const newRow = {
    tenant,
    conversationID: cid,
    seq: 1,
    position: 1,
    msgData: Buffer.from('x'),
    sendID: 'a',
    recvID: 'b',
    contentType: 101,
    sendTime: 1,
    logTime: 1,
  };
  await rows.insert([{ ...newRow, dedupKey: Buffer.alloc(16, 1) }]);
  const methods: Record<string, () => Promise<unknown>> = {
    'insert of what is there': () => rows.insert([{ ...newRow, dedupKey: Buffer.alloc(16, 2) }]),
    bySeqs: () => rows.bySeqs(tenant, [{ conversationID: cid, seqs: [1, 2] }]),
    span: () => rows.span(tenant, cid, { first: 1, last: 9 }, { limit: 5, descending: false }),
    hiddenBySeqs: () => rows.hiddenBySeqs(tenant, [{ conversationID: cid, seqs: [1, 2] }]),
    seqsWithContent: () =>
      rows.seqsWithContent(tenant, cid, { first: 1, last: 9 }, { limit: 5, notDeletedBy: 'a' }),
    countedSince: () => rows.countedSince(tenant, cid, { fromPosition: 1, last: 9 }),
    lastSeqBefore: () => rows.lastSeqBefore(tenant, cid, { first: 1, last: 9 }, 5),
    markSeqsRead: () => changes.markSeqsRead(tenant, cid, [1], 'b'),
    markSpanRead: () => changes.markSpanRead(tenant, cid, { first: 1, last: 9 }, 'b'),
    revoke: () => changes.revoke(tenant, cid, 1, by),
    deleteFor: () => changes.deleteFor(tenant, cid, [1], 'a'),
    blank: () => changes.blank(tenant, cid, [1]),
    removeUpTo: () => changes.removeUpTo(tenant, cid, 100),
    'conv get': () => conv.get(tenant, [cid, 'sg_g']),
    'conv apply': () => conv.apply([{ tenant, conversationID: cid, max: 1, src: 1, maxTime: 1 }]),
    'conv raiseMin': () => conv.raiseMin(tenant, cid, 1),
    'seqUsers get': () => users.get(tenant, 'a', [cid]),
    'seqUsers ofUser': () => users.ofUser(tenant, 'a'),
    raiseRead: () => users.raiseRead([{ ...ref, value: 1 }]),
    raiseMin: () => users.raiseMin([{ ...ref, value: 1 }]),
    logTimes: () => destructRepo(store).logTimes(tenant, [{ conversationID: cid, seq: 1 }]),
    'records with a lifetime of messages': async () => {
      for await (const { minSeq } of destructRepo(store).records(tenant)) assert.ok(minSeq >= 0);
    },
    setMax: () => users.setMax([{ ...ref, max: 1, position: 1, version: 1 }]),
    'setMax of a newcomer': () => users.setMax([{ ...ref, max: 0, min: 1, position: 2, version: 2 }]),
  };
  await plans.checkAll(methods);
  await msgIndexes(store).set(tenant, true);
  const wholeTenant: Record<string, () => Promise<unknown>> = {
    'count of messages': async () => {
      const { signal } = new AbortController();
      const budget = { messages: 100, until: Number.POSITIVE_INFINITY, signal };
      assert.ok((await messageCounter(store).count(tenant, 0, budget)).isComplete);
    },
    'search everywhere': () =>
      search.find(
        tenant,
        { name: 'one', parts: [{ places: ['si_'], query: { sendID: 'a', contentType: 101, period } }] },
        page,
        () => true,
      ),
    'search in conversations': () =>
      search.find(
        tenant,
        {
          name: 'two',
          parts: [{ places: [1, 2].map((n) => ({ conversationID: `si_a_${n}`, span })), query: {} }],
        },
        page,
        () => true,
      ),
    'a page of all messages': () =>
      search.page(
        tenant,
        { places: ['si_', 'sg_'], query: { contentType: 101, period } },
        { limit: 5 },
        () => true,
      ),
    'a page of conversations': () =>
      search.page(
        tenant,
        { places: [1, 2].map((n) => ({ conversationID: `si_a_${n}`, span })), query: { sendID: 'a' } },
        { limit: 5 },
        () => true,
      ),
    'messages of a sender': () => search.sentBy(tenant, 'a', 5, { conversationID: cid, seq: 1, st: 1 }),
    'conversations of a tenant': async () => {
      for await (const { max } of retentionRepo(store).conversations(tenant)) assert.ok(max >= 0);
    },
  };
  await plans.checkAll(wholeTenant, 'grows');
  const counted: Record<string, () => Promise<unknown>> = {
    bySender: () => stats.bySender(tenant, period, true),
    byGroup: () => stats.byGroup(tenant, period),
    'daily figures': () => statDayRepo(store).days(tenant, { first: 0, last: 9 }, 5),
    'set of daily figures': () => statDayRepo(store).set(tenant, { day: 0, users: 1 }),
    raisePeaks: () => statDayRepo(store).raisePeaks(tenant, { day: 0, users: 1, connections: 1 }),
    addThrottled: () => statDayRepo(store).addThrottled(tenant, 'p 1', { day: 0, count: 1 }),
    'retention of statistics': () => statRetention(store).remove(tenant, { parts: 1, days: 1 }),
    'accounts and groups by day': () => accountStatistics(store).count(tenant, 86_400_000, 0),
  };
  await plans.checkAll(counted);
});

test('a shape that some server reads by walking the collection is refused', () => {
  const refused: Document[] = [
    { find: 'msg', filter: { _id: { $gt: 'a', $lt: 'b' } } },
    { find: 'msg', filter: { _id: { $gte: 'a' }, x: 1 } },
    { find: 'push_token', filter: { $or: [{ _id: 'a' }, { _id: 'b' }] } },
    { find: 'conversation', filter: { t: 'x', ownerUserID: 'a', isPinned: true } },
    { find: 'conversation', filter: { t: 'x', conversationID: { $in: ['a'] }, recvMsgOpt: 2 } },
    { find: 'client_log', filter: { t: 'x', createTime: { $lte: 5 } } },
    { find: 'client_log', filter: { t: 'x', userID: { $gt: 'a' }, createTime: 5 } },
    { find: 'client_log', filter: { t: 'x', url: 'a' } },
    { aggregate: 'seq_user', pipeline: [{ $match: { t: 'x', u: 'a', c: 'b' } }] },
    { update: 'seq_user', updates: [{ q: { _id: 'a' } }, { q: { t: 'x', u: 'a', read: 5 } }] },
    { delete: 'seq_user', deletes: [{ q: { t: 'x', u: 'a', read: 5 } }] },
    { findAndModify: 'token_issue', query: { _id: 'a' } },
  ];
  for (const command of refused) assert.ok(growingShape(command), JSON.stringify(command));
  const fine: Document[] = [
    { find: 'msg', filter: { _id: { $in: ['a'] }, x: { $ne: true } } },
    { find: 'conversation', filter: { t: 'x', conversationID: 'a', recvMsgOpt: { $gt: 0 } } },
    { find: 'client_log', filter: { t: 'x', createTime: { $gte: 1, $lt: 5 } } },
    { aggregate: 'seq_user', pipeline: [{ $match: { t: 'x', u: { $in: ['a'] } } }, { $match: { c: 'b' } }] },
    { update: 'seq_user', updates: [{ q: { _id: 'a', mp: { $not: { $gte: 1 } } } }] },
  ];
  for (const command of fine) assert.equal(growingShape(command), undefined, JSON.stringify(command));
});
