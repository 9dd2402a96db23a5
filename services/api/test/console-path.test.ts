import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CONSOLE_HEADER } from '@im/admin-api';
import { make } from '@im/protocol';
import { type Harness, startApi } from './harness.ts';

const KEY = 'k'.repeat(43);
const SESSION = make('auth.UseConsoleSessionResp', {
  session: make('auth.ConsoleSession', {
    name: 'ann',
    grants: [make('auth.ConsoleGrant', { tenant: '*', role: 'admin' })],
  }),
});

async function start(console: object, consoleOnly = false): Promise<Harness> {
  const api = await startApi({ config: { api: { console } }, consoleOnly });
  api.stub('auth.useConsoleSession', () => SESSION);
  api.stub('auth.createConsoleLogin', () => make('auth.CreateConsoleLoginResp', { token: 'tok' }));
  api.stub('third.accessURL', (_ctx, { name }) =>
    make('third.AccessURLResp', { url: `https://s3.example.com/${name}` }),
  );
  return api;
}

describe('a console at a path of its own', () => {
  let api: Harness;
  before(async () => {
    api = await start({ path: '/ops/im/', publicURL: 'https://tools.example.com' });
  });
  after(() => api[Symbol.asyncDispose]());

  const as = (cookie: string) => ({ [CONSOLE_HEADER]: '1', cookie: `${cookie}=${KEY}` });
  const sessionAt = (url: string, cookie = '__Host-im_console-ops_im') =>
    api.app.inject({ url, headers: as(cookie) });

  test('is there, and at no other', async () => {
    const moved = await api.app.inject({ url: '/ops/im' });
    assert.deepEqual([moved.statusCode, moved.headers.location], [308, 'im/']);
    for (const url of ['/ops/im/', '/ops/im/default/users', '/t/t2/ops/im/']) {
      const { statusCode, headers } = await api.app.inject({ url });
      assert.ok(statusCode === 200 || statusCode === 503, url);
      assert.equal(headers['x-frame-options'], 'DENY', url);
    }
    for (const url of ['/console/', '/console', '/ops/', '/ops/imx/'])
      assert.equal((await api.app.inject({ url })).statusCode, 404, url);
  });

  test('has what its pages ask below it, of the tenant that they name', async () => {
    const tenantsAt = async (url: string) => {
      const before = api.calls.length;
      const { statusCode } = await sessionAt(url);
      return [statusCode, api.calls.slice(before).map(({ ctx }) => ctx.tenant)[0]];
    };
    const path = '/admin/v1/console/session';
    assert.deepEqual(await tenantsAt(`/ops/im/_api${path}`), [200, 'default']);
    assert.deepEqual(await tenantsAt(`/ops/im/_api/t/t2${path}`), [200, 't2']);
    assert.deepEqual(await tenantsAt(`/t/t2/ops/im/_api${path}`), [200, 't2']);
    assert.deepEqual(await tenantsAt(`/t/t2/ops/im/_api/t/default${path}`), [200, 'default']);
    assert.deepEqual(await tenantsAt(`/ops/im/_api/t/nobody${path}`), [404, undefined]);
  });

  test('asks for objects below it as well, and for nothing that is not for pages', async () => {
    const { headers } = await api.app.inject({ url: '/ops/im/_api/t/t2/object/u1/log.txt' });
    assert.equal(headers.location, 'https://s3.example.com/u1/log.txt');
    for (const url of [
      '/user/get_users',
      '/auth/get_admin_token',
      '/t/t2/msg/send_msg',
      '/admin/v2/x',
      '/ops/im/',
    ])
      for (const method of ['POST', 'GET'] as const) {
        const { statusCode } = await api.app.inject({ url: `/ops/im/_api${url}`, method, payload: '{}' });
        assert.equal(statusCode, 404, `${method} ${url}`);
      }
  });

  test('has a cookie of its own, and takes that of no other console of the host', async () => {
    const path = '/ops/im/_api/admin/v1/users';
    assert.equal((await sessionAt(path, '__Host-im_console')).statusCode, 401);
    const out = await api.app.inject({
      ...{ method: 'DELETE', url: '/ops/im/_api/admin/v1/console/session' },
      headers: { ...as('__Host-im_console-ops_im'), host: 'a.example.com', origin: 'https://a.example.com' },
    });
    assert.match(String(out.headers['set-cookie']), /^__Host-im_console-ops_im=; Path=\/; Max-Age=0; Secure/);
  });

  test('links lead to it, for each tenant below its path', async () => {
    const addressOf = async (prefix: string, token: string) => {
      const { body } = await api.app.inject({
        ...{
          method: 'POST',
          url: `${prefix}/admin/v1/console/logins`,
          payload: '{"name":"ann","role":"viewer"}',
        },
        headers: { token, 'content-type': 'application/json' },
      });
      return JSON.parse(body).address;
    };
    assert.equal(await addressOf('', 'admin-token'), 'https://tools.example.com/ops/im/');
  });
});

describe('a console in processes of its own', () => {
  test('processes of the API serve neither the page nor sessions', async () => {
    await using api = await start({ ownProcesses: true });
    assert.equal((await api.app.inject({ url: '/console/' })).statusCode, 404);
    const headers = { [CONSOLE_HEADER]: '1', cookie: `__Host-im_console=${KEY}` };
    for (const url of ['/admin/v1/users', '/console/_api/admin/v1/users'])
      assert.ok((await api.app.inject({ url, headers })).statusCode >= 400, url);
    assert.ok(
      !api.calls.some(({ target }) => target === 'auth.useConsoleSession'),
      'no session is looked up',
    );
  });

  test('those of the console serve it, and no route of clients', async () => {
    await using api = await start({ ownProcesses: true }, true);
    // Relative, so that it holds below the prefix of a proxy, and with a code that browsers do not keep.
    for (const [url, location, address] of [
      ['/', 'console/', '/console/'],
      ['/?a=b/c', 'console/', '/console/'],
      ['/t/t2', 't2/console/', '/t/t2/console/'],
      ['/t/t2?a=b/c', 't2/console/', '/t/t2/console/'],
      ['/t/t2/', 'console/', '/t/t2/console/'],
    ] as const) {
      const { statusCode, headers } = await api.app.inject({ url });
      assert.deepEqual([statusCode, headers.location], [302, location], url);
      assert.equal(new URL(location, `https://im.example.com${url}`).pathname, address, url);
    }
    assert.equal((await api.app.inject({ url: '/t/nobody' })).statusCode, 404);
    const headers = { [CONSOLE_HEADER]: '1', cookie: `__Host-im_console=${KEY}` };
    const session = await api.app.inject({ url: '/console/_api/admin/v1/console/session', headers });
    assert.equal(session.statusCode, 200);
    for (const url of ['/user/get_users_info', '/auth/get_admin_token', '/msg/send_msg'])
      assert.equal((await api.app.inject({ method: 'POST', url, payload: '{}' })).statusCode, 404, url);
    assert.equal((await api.app.inject({ url: '/prometheus_discovery/api' })).statusCode, 404);
  });
});
