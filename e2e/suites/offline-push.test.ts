import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connectWire } from '@im/client';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { type SdkHost, SdkUser, startJsHost } from '@im/dev-sdk';
import { eventually } from './eventually.ts';

const PHONE = 2;

/** A push vendor that knows users by alias. */
async function startVendor() {
  const woken: { readonly users: readonly string[]; readonly text: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (request.method === 'POST') {
      const { audience, notification } = JSON.parse(body);
      woken.push({ users: audience.alias, text: notification.alert });
    }
    response.end(JSON.stringify({ msg_id: '1', cidlist: [] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    woken,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('offline notifications', () => {
  let cluster: Cluster;
  let vendor: Awaited<ReturnType<typeof startVendor>>;
  let sdks: SdkHost;
  before(async () => {
    vendor = await startVendor();
    const providers = { jpush: { appKey: 'a', masterSecret: 'b', url: vendor.url } };
    cluster = await startCluster({
      topology: 'one',
      config: { offlinePush: { providers }, webhooks: { allowedNetworks: ['127.0.0.1'] } },
    });
    sdks = startJsHost();
  });
  after(async () => {
    await sdks?.close();
    await cluster?.close();
    vendor?.close();
  });

  test('an offline SDK user is woken once per message; with a phone online or the group muted, never', async () => {
    const admin = cluster.admin('default');
    await admin.ensureUsers(['ann', 'bob', 'eve', 'max']);
    const login = async (name: string) => {
      const user = new SdkUser(name, await sdks.open(`default/${name}`));
      await user.login(cluster.endpoint('default', 0), await admin.userToken(name, user.platformID));
      return user;
    };
    const [ann, bob, max] = [await login('ann'), await login('bob'), await login('max')];
    const phone = await connectWire(
      {
        ws: cluster.endpoint('default').ws,
        userID: 'eve',
        token: await admin.userToken('eve', PHONE),
        platformID: PHONE,
      },
      { push: () => {} },
    );
    const group = await ann.createGroup('all', ['bob', 'eve', 'max']);
    const inGroup = { group: group.groupID };
    await eventually(async () => {
      await max.setConversation(max.conversationID(inGroup), { recvMsgOpt: 2 });
    });
    await Promise.all([bob.logout(), max.logout()]);
    const send = async (target: { user?: string; group?: string }, desc: string) => {
      const message = await ann.call('createTextMessage', desc);
      const offlinePushInfo = { title: 'Ann', desc, ex: '', iOSPushSound: '', iOSBadgeCount: true };
      const to = { recvID: target.user ?? '', groupID: target.group ?? '' };
      await ann.call('sendMessage', { ...to, message, offlinePushInfo });
    };
    const texts = ['one', 'two', 'three'];
    for (const text of texts) {
      await send({ user: 'bob' }, `${text} alone`);
      await send({ user: 'eve' }, `${text} with a phone`);
      await send(inGroup, `${text} in the group`);
    }
    await send({ user: 'bob' }, 'the last one');
    const wakesOf = (text: string) =>
      vendor.woken.filter((wake) => wake.text === text).map(({ users }) => users);
    await eventually(() => {
      for (const text of texts)
        assert.deepEqual(
          [wakesOf(`${text} alone`), wakesOf(`${text} in the group`)],
          [[['bob']], [['bob']]],
          text,
        );
      assert.deepEqual(wakesOf('the last one'), [['bob']]);
    });
    for (const text of texts) assert.deepEqual(wakesOf(`${text} with a phone`), [], text);
    phone.close();
  });
});
