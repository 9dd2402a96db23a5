import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type TenantSettingsInput, tenantSettings } from '@im/contract';
import { ImError, make, type msg } from '@im/protocol';
import { notificationMessage } from './notification-message.ts';
import { notificationRule } from './notification-table.ts';

const settings = (notifications: TenantSettingsInput['notifications'] = {}) =>
  tenantSettings({ id: 't1', tokenSecret: 's', adminSecret: 's', notifications });
const request = (contentType: number, change: Partial<msg.SendNotificationReq> = {}) =>
  make('msg.SendNotificationReq', { contentType, sessionType: 1, sendID: 'a', recvID: 'b', ...change });

/** The tables of docs/protocol/notifications.md: content type, in chat, stored in the notification conversation, offline push. */
const TABLE: readonly (readonly [number, boolean, boolean, boolean])[] = [
  [1201, true, false, true],
  [1202, false, false, true],
  [1203, false, false, true],
  [1205, false, false, false],
  [1206, false, false, false],
  [1207, false, false, false],
  [1208, false, false, false],
  [1209, false, false, false],
  [1210, false, false, false],
  [1300, false, false, false],
  [1303, false, false, false],
  [1304, false, false, false],
  [1501, true, false, false],
  [1502, false, false, false],
  [1503, false, false, true],
  [1504, true, false, false],
  [1505, false, false, true],
  [1506, false, false, true],
  ...[1507, 1508, 1509, 1510, 1511, 1512, 1513, 1514, 1515].map((n) => [n, true, false, false] as const),
  [1516, false, false, false],
  [1517, false, false, false],
  [1518, false, false, false],
  [1519, true, false, false],
  [1520, true, false, false],
  [1701, true, false, false],
  [1703, false, false, false],
  [2001, false, false, false],
  [2101, false, true, false],
  [2102, false, true, false],
  [2200, false, true, false],
];

test('every notification travels as the table says', () => {
  for (const [type, isSendMsg, stored, push] of TABLE) {
    const rule = notificationRule(settings(), request(type));
    assert.deepEqual(
      [rule.isSendMsg, rule.stored, rule.offlinePush !== undefined],
      [isSendMsg, stored, push],
      `${type}`,
    );
  }
  assert.equal(notificationRule(settings(), request(2200, { recvID: 'a' })).stored, false);
});

test('the protocol page says the same of every notification', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/protocol/notifications.md'), 'utf8');
  const cells = (row: string) => row.split('|').map((cell) => cell.trim());
  const found = page.split('\n\n').flatMap((block) => {
    const [head = '', , ...rows] = block.split('\n');
    const columns = cells(head);
    if (columns[1] !== 'type') return [];
    return rows.flatMap((row) => {
      const values = cells(row);
      const isYes = (column: string) => /^yes/.test(values[columns.indexOf(column)] ?? '');
      const types = values[1]?.split(', ') ?? [];
      return types.map((type) => [Number(type), isYes('in chat'), isYes('stored'), isYes('push')] as const);
    });
  });
  // Those that the table of rules need not name: they travel like most.
  const plain = [1305, 1306, 1307].map((type) => [type, false, false, false] as const);
  const sent = [...TABLE.filter(([type]) => type !== 1304), ...plain];
  const byType = (a: readonly [number, ...unknown[]], b: readonly [number, ...unknown[]]) => a[0] - b[0];
  assert.deepEqual(found.toSorted(byType), sent.toSorted(byType));
});

test('the sender overrides the tenant, and the tenant the table; revocations stay stored', () => {
  const own = settings({
    '1501': {
      isSendMsg: false,
      reliabilityLevel: 2,
      offlinePush: { enable: true, title: 'T', desc: 'D', ext: 'E' },
    },
    '1203': { offlinePush: { enable: false } },
    '2101': { reliabilityLevel: 1 },
  });
  assert.deepEqual(notificationRule(own, request(1501)), {
    isSendMsg: false,
    stored: true,
    offlinePush: { enable: true, title: 'T', desc: 'D', ext: 'E' },
  });
  const asked = notificationRule(own, request(1501, { sendMessage: true, reliabilityLevel: 1 }));
  assert.deepEqual([asked.isSendMsg, asked.stored], [true, false]);
  assert.equal(notificationRule(own, request(1203)).offlinePush, undefined);
  assert.equal(notificationRule(own, request(2101, { reliabilityLevel: 1 })).stored, true);
});

test('the message of a notification has all options and its tips as JSON inside JSON', () => {
  const message = notificationMessage(
    settings(),
    request(1501, { sessionType: 3, recvID: 'g', detail: '{"a":"\\"<é"}', senderNickname: 'N' }),
  );
  assert.deepEqual(JSON.parse(Buffer.from(message.content).toString()), { detail: '{"a":"\\"<é"}' });
  assert.deepEqual(
    [message.msgFrom, message.groupID, message.recvID, message.senderNickname],
    [200, 'g', 'g', 'N'],
  );
  assert.match(message.clientMsgID, /^[0-9a-f]{32}$/);
  assert.deepEqual(message.options, {
    isNotNotification: false,
    isSendMsg: true,
    history: false,
    persistent: false,
    offlinePush: false,
    unreadCount: true,
    conversationUpdate: false,
    senderSync: true,
    notPrivate: false,
    senderConversationUpdate: false,
    reactionFromCache: false,
  });
  assert.equal(notificationMessage(settings(), request(1304)).options.senderSync, false);
  assert.equal(
    notificationMessage(settings(), request(1300, { senderSync: false })).options.senderSync,
    false,
  );
});

test('long lists are cut, and clients are made to read the members', () => {
  const invitedUserList = Array.from({ length: 5_000 }, (_, i) => ({
    userID: `u${i}`,
    nickname: 'x'.repeat(100),
  }));
  const detail = JSON.stringify({
    group: { groupID: 'g' },
    invitedUserList,
    groupMemberVersion: 7,
    groupMemberVersionID: 'abc',
  });
  const message = notificationMessage(settings(), request(1509, { detail }));
  const tips = JSON.parse(JSON.parse(Buffer.from(message.content).toString()).detail);
  assert.deepEqual(
    [tips.invitedUserList.length, tips.groupMemberVersion, tips.groupMemberVersionID, tips.group],
    [50, 0, '', { groupID: 'g' }],
  );
});

test('a notification that goes nowhere is refused by field', () => {
  for (const [change, named] of [
    [{ sendID: '' }, /sendID/],
    [{ recvID: '' }, /recvID/],
    [{ sessionType: 2 }, /sessionType/],
    [{ detail: 'x'.repeat(500_000) }, /detail/],
  ] as const) {
    assert.throws(
      () => notificationMessage(settings(), request(1300, change)),
      (error: unknown) => error instanceof ImError && error.code === 1001 && named.test(error.detail),
    );
  }
});
