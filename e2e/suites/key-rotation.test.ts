import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { ApiError, apiClient, connectWire } from '@im/client';
import { startCluster, testTenant } from '@im/dev-cluster';
import { type SdkUser, startJsHost, SdkUser as User } from '@im/dev-sdk';
import { FAULTS, verify } from '@im/proof';
import { ERR } from '@im/protocol';
import { eventually } from './eventually.ts';

const NEXT = 'the next key of the tenant';
/** Far beyond the test, until the end is declared. */
const LATER_MS = 3_600_000;

/** Whether a token was signed with a key. */
function isSignedBy(key: string, token: string): boolean {
  const [header, claims, signature] = token.split('.');
  return createHmac('sha256', key).update(`${header}.${claims}`).digest('base64url') === signature;
}

test('keys rotate while SDK users chat: former tokens live until the declared end, and no other tenant notices', async (t) => {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.adopt(
    await startCluster({ topology: 'one', tenants: [testTenant('default'), testTenant('t2')] }),
    (each) => each.close(),
  );
  const sdks = stack.adopt(startJsHost(), (each) => each.close());
  const first = cluster.tenant('t2').tokenSecret;
  const admin = cluster.admin('t2');
  const endpoint = cluster.endpoint('t2');
  const names = ['ann', 'bob', 'cat', 'dan'];
  await admin.ensureUsers(names);

  // The other tenant chats the whole time, and everything of it is checked.
  const bystander = verify({
    endpoints: [cluster.endpoint('default')],
    admin: cluster.admin('default'),
    ...{ users: 4, messagesPerSecond: 20, seconds: 40, name: 'bystander' },
  });
  bystander.catch(() => undefined);

  async function login(name: string): Promise<SdkUser> {
    const user = new User(name, await sdks.open(`t2/${name}`));
    await user.login(endpoint, await admin.userToken(name, user.platformID));
    return user;
  }
  const [ann, bob] = await Promise.all([login('ann'), login('bob')]);
  let said = 0;
  /** Both can write to each other on the connections that they have. */
  async function chat(): Promise<void> {
    const text = `text ${++said}`;
    await ann.sendText({ user: 'bob' }, text);
    await bob.received(text);
    await bob.sendText({ user: 'ann' }, `answer ${said}`);
    await ann.received(`answer ${said}`);
  }
  await chat();
  const former = await admin.userToken('cat', 2);
  const http = stack.adopt(apiClient(endpoint.api), (each) => each.close());
  const ask = (token: string) => http.call('/user/get_users_info', { userIDs: ['cat'] }, { token });
  const dial = async (token: string, userID = 'cat') => {
    const wire = await connectWire({ ws: endpoint.ws, userID, token, platformID: 2 });
    await wire.close();
  };
  await ask(former);
  assert.ok(isSignedBy(first, former));

  // As the operator does it: every process has the next key before one signs with it.
  cluster.changeTenant('t2', { secondTokenSecret: NEXT });
  await chat();
  const until = (ms: number) => new Date(Date.now() + ms).toISOString();
  cluster.changeTenant('t2', {
    tokenSecret: NEXT,
    secondTokenSecret: first,
    secondTokenSecretUntil: until(LATER_MS),
  });
  // Tokens are signed with the new key and pass, and so does the former one, at new connections too.
  await eventually(async () => {
    const token = await admin.userToken('dan', 2);
    assert.ok(isSignedBy(NEXT, token));
    await ask(token);
  });
  await ask(former);
  await dial(former);
  await chat();

  // Its end: expired for HTTP and at new connections; those that are open stay open.
  cluster.changeTenant('t2', {
    tokenSecret: NEXT,
    secondTokenSecret: first,
    secondTokenSecretUntil: until(3_000),
  });
  await eventually(() =>
    assert.rejects(
      ask(former),
      (error: unknown) => error instanceof ApiError && error.code === ERR.TokenExpiredError,
    ),
  );
  await assert.rejects(dial(former), { code: ERR.TokenExpiredError });
  await chat();
  const fresh = await admin.userToken('dan', 2);
  await ask(fresh);
  await dial(fresh, 'dan');
  const again = new User('ann', await sdks.open('t2/ann-again'));
  await again.login(endpoint, await admin.userToken('ann', again.platformID));

  const { counts, sent, acknowledged } = await bystander;
  t.diagnostic(`${sent} messages of the other tenant, ${said} exchanges of SDK users`);
  for (const fault of FAULTS) assert.equal(counts[fault], 0, fault);
  assert.equal(acknowledged, sent);
});
