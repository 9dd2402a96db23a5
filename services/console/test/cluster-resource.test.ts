import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClusterResource,
  type ConsoleRole,
  createConsoleLogin,
  type Failure,
  listAudit,
} from '@im/admin-api';
import { eventually } from '@im/testing';
import { MongoClient } from 'mongodb';
import { type Fixture, startFixture } from './fixture.ts';
import { type Kubernetes, NAME, NAMESPACE, startKubernetes, VIEWER } from './kubernetes.ts';
import { showPage } from './shown.ts';

const RESOURCE = '/admin/v1/cluster/resource';
const TOKEN = `${RESOURCE}/token`;
const COOKIE = '__Host-im_console_kubernetes';

interface Answered {
  readonly status: number;
  readonly body: {
    readonly given?: boolean;
    readonly resource?: ClusterResource;
    readonly error?: Failure;
  };
  readonly text: string;
  /** `Set-Cookie` headers. */
  readonly cookies: readonly string[];
}

interface Sent {
  readonly method?: 'GET' | 'PUT' | 'DELETE' | 'POST';
  readonly cookie?: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** All that a database server has, as JSON. */
async function everythingIn(uri: string): Promise<string> {
  await using client = new MongoClient(uri);
  const { databases } = await client.db().admin().listDatabases();
  const texts = databases.map(async ({ name }) => {
    const collections = await client.db(name).listCollections().toArray();
    const documents = collections.map((collection) =>
      client.db(name).collection(collection.name).find().toArray(),
    );
    return JSON.stringify(await Promise.all(documents));
  });
  return (await Promise.all(texts)).join('\n');
}

describe('the resource of Kubernetes', () => {
  let kubernetes: Kubernetes;
  let fixture: Fixture;
  let root = '';
  before(async () => {
    kubernetes = await startKubernetes();
    const attempts = { logins: { burst: 1_000 }, tokens: { burst: 1_000 } };
    const console = { clusterTenant: 'default', resource: kubernetes.resource };
    const log = { level: 'debug' } as const;
    fixture = await startFixture({ config: { api: { console }, attempts, log } });
    root = fixture.root;
  });
  after(async () => {
    await fixture?.[Symbol.asyncDispose]();
    await kubernetes?.[Symbol.asyncDispose]();
  });

  async function send(path: string, { method = 'GET', cookie = '', body, headers }: Sent): Promise<Answered> {
    const response = await fetch(root + path, {
      method,
      headers: { 'x-openim-console': '1', origin: root, cookie, ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status === 429) {
      // Tests come faster than people.
      await sleep(500);
      return await send(path, { method, cookie, ...(body && { body }), ...(headers && { headers }) });
    }
    return {
      status: response.status,
      body: JSON.parse(text),
      text,
      cookies: response.headers.getSetCookie(),
    };
  }
  const pairOf = (cookies: readonly string[], name: string) =>
    cookies.find((cookie) => cookie.startsWith(`${name}=`))?.split(';')[0] ?? '';

  async function login(name: string, role: ConsoleRole = 'admin', allTenants = true): Promise<string> {
    const { token } = await fixture.admin.call(createConsoleLogin, { body: { name, role, allTenants } });
    const { cookies } = await send('/admin/v1/console/session', { method: 'POST', body: { token } });
    return pairOf(cookies, '__Host-im_console');
  }
  /** Gives a token. @returns both cookies of the browser. */
  async function give(session: string, token: string): Promise<string> {
    const { status, cookies, text } = await send(TOKEN, { method: 'PUT', cookie: session, body: { token } });
    assert.equal(status, 200, text);
    return `${session}; ${pairOf(cookies, COOKIE)}`;
  }
  const kindOf = ({ body }: Answered) => body.error?.kind;

  test('a token with the rights of the sample reads the resource, chosen fields alone, as it is now', async () => {
    const session = await login('ann', 'viewer');
    assert.deepEqual((await send(RESOURCE, { cookie: session })).body, { given: false });
    const token = await kubernetes.tokenOf(VIEWER);
    const given = await send(TOKEN, { method: 'PUT', cookie: session, body: { token: `${token}\n` } });
    assert.equal(given.status, 200, given.text);
    const [set = '', ...others] = given.cookies;
    assert.deepEqual(others, []);
    assert.match(
      set,
      /^__Host-im_console_kubernetes=[\w-]+; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Strict$/,
    );
    assert.ok(Number(/Max-Age=(\d+)/.exec(set)?.[1]) <= 12 * 3_600);
    assert.ok(!set.includes(token));

    const cookie = `${session}; ${pairOf(given.cookies, COOKIE)}`;
    const { body, text } = await send(RESOURCE, { cookie });
    const { resource } = body;
    assert.deepEqual(given.body.resource, resource);
    assert.partialDeepStrictEqual(resource, {
      ...{ namespace: NAMESPACE, name: NAME, phase: 'Upgrading', isCurrent: true, version: '0.1.0' },
      ...{ connections: 1_230, gatewaysReady: '2/2' },
      volumes: [{ claim: 'data-chat-nats-0', store: 'nats', state: 'UpToDate' }],
      upgrade: {
        ...{ phase: 'Verifying', fromVersion: '0.1.0', version: '0.2.0' },
        gates: [{ name: 'StoresReachable' }, { name: 'ProberClean', state: 'Waiting' }],
        proof: {
          sent: 1_201,
          acknowledged: 1_200,
          received: 2_399,
          lost: 0,
          duplicated: 3,
          reordered: 4,
          longestGapMs: 1_700,
        },
      },
    });
    const [ready] = resource?.conditions ?? [];
    assert.deepEqual([ready?.type, ready?.status, ready?.reason], ['Ready', 'False', 'NATSUnavailable']);
    assert.equal(resource?.history.length, 10);
    assert.equal(resource?.gateways.length, 2);
    assert.doesNotMatch(text, /of-an-annotation|managedFields|last-applied/);

    await kubernetes.setStatus({ connections: 77 });
    assert.equal((await send(RESOURCE, { cookie })).body.resource?.connections, 77);
    await kubernetes.setStatus({ connections: 1_230 });
  });

  test('the API server decides: without the right, with garbage or an ended token nothing is read, and each says what to do', async () => {
    const session = await login('bea');
    const token = await kubernetes.tokenOf('nobody');
    const forbidden = await send(TOKEN, { method: 'PUT', cookie: session, body: { token } });
    assert.equal(forbidden.status, 403);
    assert.equal(kindOf(forbidden), 'forbidden');
    const { error } = forbidden.body;
    assert.equal(error?.field, 'token');
    assert.match(error?.message ?? '', /get openimclusters\.openim\.io chat in im/);
    const check =
      'kubectl auth can-i get openimclusters.openim.io/chat -n im --as system:serviceaccount:im:nobody';
    assert.ok(error?.remedy?.endsWith(check), error?.remedy);
    assert.deepEqual(forbidden.cookies, [], 'it is not kept');

    const garbage = await send(TOKEN, { method: 'PUT', cookie: session, body: { token: 'garbage' } });
    assert.equal(kindOf(garbage), 'tokenRefused');
    assert.notEqual(garbage.status, 401, 'the session goes on');
    assert.match(garbage.body.error?.remedy ?? '', /kubectl create token .* -n im/);
    assert.deepEqual(garbage.cookies, []);

    // One whose account is deleted is as ended as one that has expired.
    const other = await kubernetes.tokenOf('leaver');
    const binding = ['rolebinding', 'leaver', '-n', NAMESPACE];
    await kubernetes.plane.kubectl(
      'create',
      ...binding,
      `--role=${VIEWER}`,
      `--serviceaccount=${NAMESPACE}:leaver`,
    );
    const cookie = await give(session, other);
    await kubernetes.plane.kubectl('delete', ...binding);
    assert.equal(kindOf(await send(RESOURCE, { cookie })), 'forbidden');
    await kubernetes.plane.kubectl('delete', 'serviceaccount', 'leaver', '-n', NAMESPACE);
    await eventually(async () => {
      const ended = await send(RESOURCE, { cookie });
      assert.equal(kindOf(ended), 'tokenRefused', ended.text);
      assert.equal(ended.body.resource, undefined);
    });
    assert.equal((await send('/admin/v1/console/session', { cookie })).body.error, undefined);
  });

  test('what cannot be a token is refused by name, and none reaches the API server', async () => {
    const session = await login('cid');
    for (const [token, message] of [
      ['x'.repeat(2_901), /token.*2900/],
      ['two words', /token/],
      ['a\r\nx-remote-user: admin', /token/],
      ['ä', /token/],
      ['', /token/],
    ] as const) {
      const { status, body, text } = await send(TOKEN, { method: 'PUT', cookie: session, body: { token } });
      assert.equal(status, 400, text);
      assert.equal(body.error?.field, 'token');
      assert.match(body.error?.message ?? '', message);
      assert.ok(token === '' || !text.includes(token), 'it is not repeated');
    }
  });

  test('the cookie is of no use with another session, twice, changed, or after the session', async () => {
    const [mine, theirs] = [await login('dan'), await login('eve')];
    const cookie = await give(mine, await kubernetes.tokenOf(VIEWER));
    const [, sealed = ''] = cookie.split('; ');
    const givenTo = async (value: string) => (await send(RESOURCE, { cookie: value })).body.given;
    assert.equal(await givenTo(cookie), true);
    assert.equal(await givenTo(`${theirs}; ${sealed}`), false);
    assert.equal(await givenTo(`${cookie}; ${sealed}`), false);
    assert.equal(await givenTo(`${cookie.slice(0, -2)}${cookie.endsWith('AA') ? 'BB' : 'AA'}`), false);
    assert.equal((await send(RESOURCE, { cookie: sealed })).status, 401);

    const forgotten = await send(TOKEN, { method: 'DELETE', cookie });
    assert.match(forgotten.cookies.join(), /^__Host-im_console_kubernetes=; Path=\/; Max-Age=0;/);
    const out = await send('/admin/v1/console/session', { method: 'DELETE', cookie });
    assert.match(out.cookies[1] ?? '', /^__Host-im_console_kubernetes=; Path=\/; Max-Age=0;/);
    assert.equal((await send(RESOURCE, { cookie })).status, 401);
    const { token } = await fixture.admin.call(createConsoleLogin, { body: { name: 'dan', role: 'viewer' } });
    const again = await send('/admin/v1/console/session', { method: 'POST', cookie, body: { token } });
    assert.ok(
      again.cookies.some((one) => one.startsWith(`${COOKIE}=; Path=/; Max-Age=0;`)),
      'a login clears it',
    );
  });

  test('only sessions that may see the cluster get there, and only from the own origin', async () => {
    const cookie = await login('fay', 'admin', false);
    const token = await kubernetes.tokenOf(VIEWER);
    const put = { method: 'PUT', body: { token } } as const;
    for (const sent of [{}, put, { method: 'DELETE' }] as const) {
      const { status, text } = await send('method' in sent ? TOKEN : RESOURCE, { ...sent, cookie });
      assert.equal(status, 403, text);
    }
    const session = await login('gil');
    const foreign = await send(TOKEN, {
      ...put,
      cookie: session,
      headers: { origin: 'https://evil.example' },
    });
    assert.equal(foreign.status, 403);
    // The token of a backend is of no session.
    const backend = await fixture.cluster.admin('default').token();
    const response = await fetch(root + RESOURCE, { headers: { token: backend } });
    assert.equal(response.status, 400);
    assert.match(await response.text(), /only pages of the console/);
  });

  test('the token is in no log, no audit record and not in the database; giving and forgetting are recorded', async () => {
    const session = await login('hal');
    const token = await kubernetes.tokenOf(VIEWER);
    const cookie = await give(session, token);
    await send(RESOURCE, { cookie });
    await send(TOKEN, { method: 'PUT', cookie, body: { token: 'garbage-of-hal' } });
    await send(TOKEN, { method: 'DELETE', cookie });
    const { records } = await fixture.admin.call(listAudit, { query: { adminID: 'console:hal' } });
    assert.deepEqual(records.map(({ act, outcome, details }) => [act, outcome, details]).slice(0, 3), [
      ['cluster.forget', 'done', '{}'],
      ['cluster.token', 'refused', '{}'],
      ['cluster.token', 'done', '{}'],
    ]);
    const sealed = cookie.split('=').at(-1) ?? '';
    const secrets = [token, token.split('.')[2] ?? '', sealed, 'garbage-of-hal'];
    for (const { logFile } of fixture.cluster.processes) {
      const text = readFileSync(logFile, 'utf8');
      assert.ok(text.length > 0);
      for (const secret of secrets) assert.ok(!text.includes(secret), logFile);
    }
    const stored = await everythingIn(fixture.cluster.stores.mongo.uri);
    assert.ok(stored.includes('cluster.token'), 'the audit log is in it');
    for (const secret of secrets) assert.ok(!stored.includes(secret));
  });

  test('the page says how to get a token, reads with it, shows what the operator reports, and forgets it', async () => {
    const { token: link } = await fixture.admin.call(createConsoleLogin, {
      body: { name: 'ida', role: 'viewer', allTenants: true },
    });
    await using visitor = await fixture.browser.visit({ width: 360 });
    const { page, faults } = visitor;
    await page.goto(`${root}/console/#login=${link}`);
    await page.locator('button[type=submit]').click();
    await page.getByRole('heading', { level: 1 }).waitFor();
    await showPage(visitor, 'cluster');
    await page.getByRole('heading', { name: 'Kubernetes resource' }).waitFor();
    await page.getByText(`kubectl create token ${VIEWER} -n ${NAMESPACE} --duration 8h`).waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    assert.deepEqual(faults, []);

    const field = page.locator('input[type=password]');
    await field.fill(await kubernetes.tokenOf('nobody'));
    await page.getByRole('button', { name: 'Read with this token' }).click();
    await page
      .locator('[data-fault=forbidden]')
      .getByText(/auth can-i get .*--as system:serviceaccount:im:nobody/)
      .waitFor();
    await field.fill('garbage');
    await page.getByRole('button', { name: 'Read with this token' }).click();
    await page.locator('[data-fault=tokenRefused]').waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    // Browsers report answers that refuse.
    assert.ok(faults.splice(0).every((fault) => /status of 403/.test(fault)));

    await field.fill(await kubernetes.tokenOf(VIEWER));
    await page.getByRole('button', { name: 'Read with this token' }).click();
    await page.locator('[data-condition=Ready]').getByText('1 of 3 servers is ready <script>').waitFor();
    await page.locator('[data-phase=Upgrading]').waitFor();
    for (const text of [
      'StoresReachable',
      'ProberClean',
      'data-chat-nats-0',
      'chat-gateway-a-2',
      'RolledBack',
    ])
      await page.getByText(text).first().waitFor();
    const proof = await page.locator('[data-proof] dt, [data-proof] dd').allTextContents();
    const figures = ['Sent', '1,201', 'Acknowledged', '1,200', 'Received', '2,399', 'Lost', '0'];
    assert.deepEqual(proof, [...figures, 'Duplicated', '3', 'Reordered', '4', 'Longest gap', '1.7 s']);
    assert.equal(await field.count(), 0);
    assert.equal(await page.evaluate(`document.documentElement.scrollWidth <= innerWidth`), true);
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    assert.equal(await page.evaluate(`document.cookie`), '');

    await kubernetes.setStatus({ gatewaysReady: '1/2' });
    await page.getByText('1/2').waitFor();
    await page.getByRole('button', { name: 'Forget the token' }).click();
    await field.waitFor();
    assert.equal(await page.locator('[data-condition=Ready]').count(), 0);
    assert.deepEqual(faults, []);
  });

  test('a page that a role may not see has its title and says so', async () => {
    await using visitor = await fixture.loggedIn('jan', undefined, 'viewer');
    const { page } = visitor;
    await showPage(visitor, 'cluster');
    await page.getByRole('heading', { name: 'Cluster', level: 1 }).waitFor();
    await page.getByRole('alert').getByText('Your role does not allow this page.').waitFor();
    assert.match(await page.title(), /^Cluster/);
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    assert.deepEqual(visitor.faults, []);
  });
});
