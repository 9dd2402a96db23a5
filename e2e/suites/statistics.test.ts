import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminClient, listActiveGroups, listActiveUsers, listStatisticsDays } from '@im/admin-api';
import { connectWire } from '@im/client';
import { startCluster } from '@im/dev-cluster';
import { eachLimited } from '@im/kit';
import { eventually } from './eventually.ts';

const USERS = 8;
const ROUNDS = process.env.FULL === '1' ? 6 : 2;
const PER_ROUND = 60;
const AT_ONCE = 8;
const ANDROID = 2;
/** A run whose process died is noticed after some looks. */
const COUNTED_MS = 150_000;

test('statistics are what was sent, although cron is killed again and again while it counts', async () => {
  await using cluster = await startCluster({
    topology: 'many',
    config: { cron: { statistics: '* * * * * *' } },
  });
  const admin = cluster.admin('default');
  const endpoint = cluster.endpoint('default');
  const users = Array.from({ length: USERS }, (_, n) => `u${n}`);
  await admin.ensureUsers(users);
  const groupInfo = { groupID: 'g', groupName: 'g', groupType: 2 };
  await admin.call('/group/create_group', { ownerUserID: 'u0', memberUserIDs: users.slice(1), groupInfo });
  const token = await admin.userToken('u0', ANDROID);
  await connectWire({ ws: endpoint.ws, userID: 'u0', token, platformID: ANDROID });

  // The group begins with the notice of its creation.
  const sent = { single: 0, group: 1 };
  const bySender = new Map<string, number>();
  const cron = cluster.process('cron');
  for (let round = 0; round < ROUNDS; round++) {
    await eachLimited(
      Array.from({ length: PER_ROUND }, (_, n) => n),
      AT_ONCE,
      async (n) => {
        const sendID = users[n % USERS] ?? '';
        const isGroup = n % 3 === 0;
        const to = isGroup
          ? { groupID: 'g', sessionType: 3 }
          : { recvID: users[(n + 1) % USERS], sessionType: 1 };
        const message = {
          sendID,
          senderPlatformID: 1,
          contentType: 101,
          content: { content: `${round} ${n}` },
          ...to,
        };
        await admin.call('/msg/send_msg', message);
        sent[isGroup ? 'group' : 'single']++;
        bySender.set(sendID, (bySender.get(sendID) ?? 0) + 1);
      },
    );
    await cron.kill();
    cron.start();
    await cron.untilReady();
  }

  const client = adminClient({ apiUrl: endpoint.api, token: await admin.token() });
  await eventually(async () => {
    const { days } = await client.call(listStatisticsDays, {});
    const sum = (name: 'single' | 'group' | 'registrations') =>
      days.reduce((total, day) => total + day[name], 0);
    assert.deepEqual({ single: sum('single'), group: sum('group') }, sent);
    assert.ok(days.some(({ activeGroups }) => activeGroups === 1));
    assert.equal(
      days.reduce((total, { types }) => total + (types['101'] ?? 0), 0),
      ROUNDS * PER_ROUND,
    );
    assert.ok(sum('registrations') >= USERS);
    assert.ok(days.some(({ peakUsers, peakConnections }) => peakUsers === 1 && peakConnections === 1));
  }, COUNTED_MS);
  const ranked = await client.call(listActiveUsers, { query: { limit: 3 } });
  const all = await client.call(listActiveUsers, { query: { limit: 500 } });
  const found = new Map(all.users.map(({ userID, messages }) => [userID, messages]));
  // The notice of the creation has a sender, too.
  for (const [userID, messages] of bySender)
    if (userID !== 'u0') assert.equal(found.get(userID), messages, userID);
  assert.deepEqual([ranked.users.length, ranked.total], [3, sent.single + sent.group]);
  const { groups } = await client.call(listActiveGroups, {});
  assert.deepEqual(groups, [{ groupID: 'g', groupName: 'g', messages: sent.group }]);
  const period = { start: Date.now() - 86_400_000, end: Date.now() };
  const pagination = { pageNumber: 1, showNumber: 100 };
  const active = await admin.call('/statistics/user/active', {
    ...period,
    ase: false,
    group: true,
    pagination,
  });
  assert.equal((active as { msgCount: number }).msgCount, sent.single + sent.group);
});
