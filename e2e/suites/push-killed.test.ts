import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient } from '@im/client';
import { startCluster } from '@im/dev-cluster';
import { eachLimited } from '@im/kit';
import { eventually } from './eventually.ts';

const DEVICES = 1_000;
/** Devices that were notified when the process is killed. */
const KILLED_AFTER = 300;
const ANSWER_MS = 20;
const AT_ONCE = 16;
const INVITED_AT_ONCE = 200;
const ANDROID = 2;
/** Requests at once, as `offlinePush` has it by default; each is for one device. */
const CONCURRENCY = 16;
/** A batch whose process died comes again after half a minute. */
const COMES_AGAIN_MS = 90_000;

/** A vendor in FCM's form, as far as devices are counted: strict counterparts are in the tests of providers. */
async function startVendor() {
  const times = new Map<string, number>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (request.url === '/token') {
      response.end(JSON.stringify({ access_token: 'a', expires_in: 3_600, token_type: 'Bearer' }));
      return;
    }
    const { token } = JSON.parse(body).message as { token: string };
    times.set(token, (times.get(token) ?? 0) + 1);
    await sleep(ANSWER_MS);
    response.end(JSON.stringify({ name: 'projects/p/messages/1' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const serviceAccount = JSON.stringify({
    project_id: 'p',
    client_email: 'p@example.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    token_uri: `${url}/token`,
  });
  return {
    times,
    settings: { serviceAccount, url },
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('a push process killed amid a thousand devices: each is notified, and again those under way at most', async (t) => {
  using vendor = await startVendor();
  const providers = { fcm: vendor.settings };
  await using cluster = await startCluster({
    topology: 'many',
    config: { offlinePush: { providers }, webhooks: { allowedNetworks: ['127.0.0.1'] } },
  });
  const admin = cluster.admin('default');
  const members = Array.from({ length: DEVICES }, (_, n) => `m${n}`);
  await admin.ensureUsers(['owner', ...members]);
  const api = apiClient(cluster.endpoint('default').api);
  await eachLimited(members, AT_ONCE, async (userID) => {
    const token = await admin.userToken(userID, ANDROID);
    const device = { platformID: ANDROID, fcmToken: `device-${userID}`, account: userID, expireTime: 0 };
    await api.call('/third/fcm_update_token', device, { token });
  });
  api.close();
  const groupInfo = { groupID: 'all', groupName: 'all', groupType: 2 };
  await admin.call('/group/create_group', { ownerUserID: 'owner', memberUserIDs: [], groupInfo });
  for (let n = 0; n < DEVICES; n += INVITED_AT_ONCE) {
    const invitedUserIDs = members.slice(n, n + INVITED_AT_ONCE);
    await admin.call('/group/invite_user_to_group', { groupID: 'all', invitedUserIDs, reason: '' });
  }
  // Notifications of the creation wake no one, and must not be among those counted.
  assert.equal(vendor.times.size, 0);
  await admin.call('/msg/send_msg', {
    ...{ sendID: 'owner', groupID: 'all', senderPlatformID: 1, sessionType: 3, contentType: 101 },
    content: { content: 'hello' },
  });

  const push = cluster.process('push');
  await eventually(() => assert.ok(vendor.times.size >= KILLED_AFTER, `${vendor.times.size} notified`));
  await push.kill();
  const notified = vendor.times.size;
  assert.ok(notified < DEVICES, 'killed in the middle');
  push.start();
  await push.untilReady();
  await eventually(() => assert.equal(vendor.times.size, DEVICES), COMES_AGAIN_MS);
  await sleep(2_000);
  const twice = [...vendor.times].filter(([, times]) => times > 1);
  t.diagnostic(`killed after ${notified} of ${DEVICES}; ${twice.length} notified twice`);
  assert.ok(twice.length <= CONCURRENCY, `${twice.length} notified twice`);
  assert.ok(
    twice.every(([, times]) => times === 2),
    JSON.stringify(twice),
  );
});
