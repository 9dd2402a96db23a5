import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import {
  type AdminClient,
  adminClient,
  type ConsoleRole,
  createConsoleLogin,
  type Failure,
  listAudit,
} from '@im/admin-api';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { buildConsole } from '../scripts/build-console.ts';
import { startBrowser, type TestBrowser } from './browser.ts';

/** A request with what a browser would send, or an attacker. */
interface Attempt {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

describe('attacks', () => {
  let cluster: Cluster;
  let root = '';
  const admins = new Map<string, AdminClient>();
  before(async () => {
    await buildConsole();
    cluster = await startCluster({
      topology: 'one',
      config: { api: { console: { clusterTenant: 'default' } }, attempts: { tokens: { burst: 1_000 } } },
    });
    root = cluster.endpoint('default').api;
    for (const tenant of ['default', 't2'])
      admins.set(
        tenant,
        adminClient({ apiUrl: `${root}/t/${tenant}`, token: await cluster.admin(tenant).token() }),
      );
  });
  after(() => cluster?.close());

  const adminOf = (tenant: string) => admins.get(tenant) as AdminClient;
  async function send(path: string, { method = 'GET', headers = {}, body }: Attempt = {}): Promise<Response> {
    return fetch(root + path, {
      method,
      headers,
      redirect: 'manual',
      ...(body && { body: JSON.stringify(body) }),
    });
  }
  const own = () => ({ 'x-openim-console': '1', origin: root });
  async function linkOf(tenant: string, role: ConsoleRole, allTenants = false): Promise<string> {
    const body = { name: `${role} of ${tenant}`, role, allTenants };
    return (await adminOf(tenant).call(createConsoleLogin, { body })).token;
  }
  async function redeem(token: string, headers: Readonly<Record<string, string>> = own()): Promise<Response> {
    return send('/admin/v1/console/session', { method: 'POST', headers, body: { token } });
  }
  async function login(tenant: string, role: ConsoleRole, allTenants = false): Promise<string> {
    const response = await redeem(await linkOf(tenant, role, allTenants));
    assert.equal(response.status, 200);
    return response.headers.get('set-cookie')?.split(';')[0] ?? '';
  }
  const as = (cookie: string) => ({ ...own(), cookie });

  test('a link is used once, and from the console alone', async () => {
    const token = await linkOf('default', 'admin');
    assert.equal(
      (await redeem(token, { 'x-openim-console': '1', origin: 'https://evil.example' })).status,
      403,
    );
    assert.equal((await redeem(token, { origin: root })).status, 403);
    assert.equal((await redeem(token)).status, 200);
    assert.equal((await redeem(token)).status, 403);
    assert.equal((await redeem('x'.repeat(43))).status, 403);
  });

  test('a session that was planted before the login is not used after it, and the former one ends', async () => {
    const planted = `__Host-im_console=${'A'.repeat(43)}`;
    const response = await redeem(await linkOf('default', 'admin'), { ...own(), cookie: planted });
    const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
    assert.notEqual(cookie, planted);
    assert.equal((await send('/admin/v1/users', { headers: as(planted) })).status, 401);
    assert.equal((await send('/admin/v1/users', { headers: as(cookie) })).status, 200);
    await redeem(await linkOf('default', 'viewer'), as(cookie));
    assert.equal((await send('/admin/v1/users', { headers: as(cookie) })).status, 401);
    // Two cookies of the name: none is believed.
    const two = `${planted}; ${cookie}`;
    assert.equal((await send('/admin/v1/users', { headers: as(two) })).status, 401);
  });

  test('a cookie alone, or with another origin, does nothing', async () => {
    const cookie = await login('default', 'admin');
    const statusOf = async (headers: Readonly<Record<string, string>>, method = 'GET') => {
      const path = method === 'GET' ? '/admin/v1/users' : '/admin/v1/users/nobody/logout';
      return (
        await send(path, { method, headers: { cookie, ...headers }, ...(method === 'POST' && { body: {} }) })
      ).status;
    };
    const header = { 'x-openim-console': '1' };
    assert.equal(await statusOf({}), 401);
    assert.equal(await statusOf({ ...header, 'sec-fetch-site': 'cross-site' }), 403);
    assert.equal(await statusOf({ ...header, 'sec-fetch-site': 'same-site' }), 403);
    assert.equal(await statusOf({ ...header, origin: 'https://evil.example' }), 403);
    assert.equal(await statusOf(header), 200);
    assert.equal(await statusOf({ origin: root }, 'POST'), 401);
    assert.equal(await statusOf(header, 'POST'), 403);
    assert.equal(await statusOf({ ...header, origin: 'null' }, 'POST'), 403);
    assert.equal(await statusOf({ ...header, origin: `${root}.evil.example` }, 'POST'), 403);
    assert.equal(await statusOf({ ...header, origin: root }, 'POST'), 404);
  });

  test('a page of another port of the same host reads and changes nothing with the cookie of the browser', async () => {
    await using browser: TestBrowser = await startBrowser();
    await using visitor = await browser.visit();
    const { page } = visitor;
    await page.goto(`${root}/console/#login=${await linkOf('default', 'admin')}`);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Users' }).waitFor();
    const evil = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<title>evil</title>');
    });
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const other = await visitor.context.newPage();
    await other.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    const attempts = await other.evaluate(`(async () => {
      const outcome = async (path, options) => {
        try {
          const response = await fetch(${JSON.stringify(root)} + path, { credentials: 'include', ...options });
          return response.status;
        } catch { return 'blocked'; }
      };
      return [
        await outcome('/admin/v1/users', {}),
        await outcome('/admin/v1/users', { headers: { 'x-openim-console': '1' } }),
        await outcome('/admin/v1/users/u/logout', { method: 'POST', body: '{}', headers: { 'x-openim-console': '1' } }),
        await outcome('/admin/v1/users/u/logout', { method: 'POST', body: '{}', mode: 'no-cors' }),
      ];
    })()`);
    assert.deepEqual(attempts, ['blocked', 'blocked', 'blocked', 0]);
    evil.close();
    const { records } = await adminOf('default').call(listAudit, { query: { act: 'user.logout' } });
    assert.deepEqual(
      records.filter(({ targetID }) => targetID === 'u'),
      [],
    );
  });

  test('a session is good for its tenant, and one for all tenants for each of them', async () => {
    const cookie = await login('t2', 'admin');
    const statusOf = async (path: string, with_ = cookie) =>
      (await send(path, { headers: as(with_) })).status;
    assert.equal(await statusOf('/t/t2/admin/v1/users'), 200);
    assert.equal(await statusOf('/admin/v1/users'), 403);
    assert.equal(await statusOf('/t/default/admin/v1/users'), 403);
    assert.equal(await statusOf('/t/nothing/admin/v1/users'), 404);
    const answer = await send('/admin/v1/console/session', { headers: as(cookie) });
    const { tenants } = (await answer.json()) as { tenants: string[] };
    assert.deepEqual(tenants, ['t2']);

    const everywhere = await login('default', 'viewer', true);
    assert.equal(await statusOf('/t/t2/admin/v1/users', everywhere), 200);
    assert.equal(await statusOf('/admin/v1/users', everywhere), 200);
    const body = { name: 'eve', role: 'admin', allTenants: true } as const;
    await assert.rejects(adminOf('t2').call(createConsoleLogin, { body }), { status: 403 });
  });

  test('a role does what it may and no more, whatever the page shows', async () => {
    const roles = ['viewer', 'support', 'moderator', 'admin'] as const;
    const cookies = await Promise.all(roles.map((role) => login('default', role)));
    const statusesOf = (path: string, method = 'GET', body?: object) =>
      Promise.all(
        cookies.map(
          async (cookie) => (await send(path, { method, headers: as(cookie), ...(body && { body }) })).status,
        ),
      );
    assert.deepEqual(await statusesOf('/admin/v1/users'), [200, 200, 200, 200]);
    assert.deepEqual(await statusesOf('/admin/v1/users/nobody/logout', 'POST', {}), [403, 404, 404, 404]);
    assert.deepEqual(await statusesOf('/admin/v1/messages?reason=a'), [403, 403, 200, 200]);
    assert.deepEqual(await statusesOf('/admin/v1/groups/g', 'DELETE'), [403, 403, 404, 404]);
    assert.deepEqual(await statusesOf('/admin/v1/audit'), [403, 403, 403, 200]);
    assert.deepEqual(await statusesOf('/admin/v1/users/nobody/export?reason=a'), [403, 403, 403, 404]);
    const invite = { name: 'eve', role: 'admin' };
    assert.deepEqual(await statusesOf('/admin/v1/console/logins', 'POST', invite), [403, 403, 403, 200]);
    const all = { ...invite, allTenants: true };
    assert.deepEqual(await statusesOf('/admin/v1/console/logins', 'POST', all), [403, 403, 403, 403]);
  });

  test('message texts are read with a reason alone, which the audit log keeps with the name', async () => {
    const cookie = await login('default', 'moderator');
    const read = async (query: string) => send(`/admin/v1/messages${query}`, { headers: as(cookie) });
    const refused = await read('?sendID=a');
    assert.equal(refused.status, 400);
    const { error } = (await refused.json()) as { error: Failure };
    assert.equal(error.field, 'reason');
    assert.equal((await read('?sendID=a&reason=%20')).status, 400);
    assert.equal((await read('?sendID=a&reason=complaint%207')).status, 200);
    const { records } = await adminOf('default').call(listAudit, { query: { act: 'message.search' } });
    const mine = records.filter(({ reason }) => reason === 'complaint 7');
    assert.deepEqual(
      mine.map(({ adminID, outcome }) => [adminID, outcome]),
      [['console:moderator of default', 'done']],
    );
  });

  test('live figures of one tenant are limited in number, and leave those of others alone', async () => {
    const [cookie, other] = [await login('default', 'viewer'), await login('t2', 'viewer')];
    const stop = new AbortController();
    const watch = (path: string, by: string) =>
      fetch(`${root}${path}/admin/v1/live`, { headers: as(by), signal: stop.signal });
    try {
      const statuses: number[] = [];
      for (let n = 0; n < 20; n++) statuses.push((await watch('', cookie)).status);
      assert.deepEqual([...new Set(statuses)], [200]);
      assert.equal((await watch('', cookie)).status, 429);
      assert.equal((await watch('/t/t2', other)).status, 200);
      assert.equal((await send('/admin/v1/users', { headers: as(cookie) })).status, 200);
    } finally {
      stop.abort();
    }
  });

  test('after a logout the cookie proves nothing', async () => {
    const cookie = await login('default', 'admin');
    const out = await send('/admin/v1/console/session', { method: 'DELETE', headers: as(cookie) });
    assert.equal(out.status, 200);
    assert.match(out.headers.get('set-cookie') ?? '', /^__Host-im_console=; Path=\/; Max-Age=0;/);
    assert.equal((await send('/admin/v1/users', { headers: as(cookie) })).status, 401);
  });

  test('files are found by their name alone; pages are not kept, files are for ever', async () => {
    const page = await send('/console/');
    const html = await page.text();
    assert.equal(page.headers.get('cache-control'), 'no-store');
    assert.equal(page.headers.get('access-control-allow-origin'), null);
    assert.equal(page.headers.get('x-frame-options'), 'DENY');
    const nonce = /nonce="([^"]+)"/.exec(html)?.[1] ?? '?';
    assert.ok(page.headers.get('content-security-policy')?.includes(`'nonce-${nonce}'`));
    assert.ok(!(await (await send('/console/')).text()).includes(nonce), 'a nonce is for one answer');
    assert.match(await (await send('/console/default/users/a%2Fb')).text(), /<base href="\.\.\/\.\.\/"/);
    assert.match(await (await send('/t/t2/console/')).text(), /<base href="\.\/"/);

    const [, script = ''] = /src="\.\/(assets\/[^"]+\.js)"/.exec(html) ?? [];
    const file = await send(`/console/${script}`, { headers: { 'accept-encoding': 'br' } });
    assert.equal(file.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(file.headers.get('content-encoding'), 'br');
    for (const path of [
      '..%2findex.html',
      '%2e%2e%2fbuilt-from.txt',
      '..%5c..%5cpackage.json',
      `${script}.br`.slice(7),
    ]) {
      const { status } = await send(`/console/assets/${path}`);
      assert.equal(status, 404, path);
    }
    assert.equal((await send('/console')).headers.get('location'), 'console/');
  });
});
