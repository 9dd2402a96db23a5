import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listAudit } from '@im/admin-api';
import { startTcpProxy, type TcpProxy } from '@im/dev-cluster';
import type { Page } from 'playwright-core';
import type { Visitor } from './browser.ts';
import { type Fixture, startFixture } from './fixture.ts';
import { CLIENT, type People, startPeople } from './people.ts';

describe('people of an identity provider', () => {
  let people: People;
  let proxy: TcpProxy;
  let fixture: Fixture;
  let address = '';
  before(async () => {
    // The console's address is part of the config, and known before the server starts.
    proxy = await startTcpProxy(() => Number(new URL(fixture.root).port));
    address = `http://127.0.0.1:${proxy.port}/staff/console/`;
    people = await startPeople(address, { olga: ['ops'], hank: ['help'] });
    const provider = {
      ...{ name: 'people', displayName: 'Company', issuer: people.issuer },
      ...{ clientID: CLIENT.id, clientSecret: CLIENT.secret, scopes: ['openid', 'profile', 'groups'] },
      rules: [
        { values: ['ops'], role: 'admin' as const, tenants: ['*'] },
        { values: ['help'], role: 'support' as const, tenants: ['t2'] },
      ],
    };
    const console = {
      path: '/staff/console/',
      publicURL: `http://127.0.0.1:${proxy.port}`,
      adminSecretLogin: true,
      oidc: [provider],
    };
    fixture = await startFixture({ config: { api: { console } } });
  });
  after(async () => {
    await fixture?.[Symbol.asyncDispose]();
    await people?.[Symbol.asyncDispose]();
    await proxy?.close();
  });

  /** Logs in at the provider, from the button of the console on. */
  async function comeAs(name: string): Promise<Visitor> {
    const visitor = await fixture.browser.visit();
    const { page } = visitor;
    await page.goto(address);
    await page.getByRole('link', { name: 'Log in with Company' }).click();
    await page.locator('input[name=login]').fill(name);
    await page.locator('input[name=password]').fill('any');
    await page.locator('button[type=submit]').click();
    await page.getByRole('button', { name: 'Continue' }).click();
    return visitor;
  }
  /** Faults of the console's own pages; those of the provider ask for fonts. */
  const faultsOf = ({ faults }: Visitor) => faults.filter((fault) => !/localhost|fonts\.google/.test(fault));
  /** Status of a request of the page. */
  const statusOf = (page: Page, path: string): Promise<number> =>
    page.evaluate(`fetch('${path}', { headers: { 'x-openim-console': '1' } }).then(({ status }) => status)`);

  test('an operator logs in and out at the provider, and the audit log says who it was', async () => {
    await using visitor = await comeAs('olga');
    const { page } = visitor;
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
    await page.getByText('Logged in as people:olga').waitFor();
    await page.getByRole('link', { name: 'Cluster' }).click();
    await page.getByRole('cell', { name: 'all', exact: true }).waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    const cookies = (await visitor.context.cookies(address)).filter(({ name }) => name.startsWith('__Host-'));
    assert.deepEqual(
      cookies.map(({ name, httpOnly, secure, sameSite }) => [name, httpOnly, secure, sameSite]),
      [['__Host-im_console-staff_console', true, true, 'Strict']],
    );
    const { records } = await fixture.admin.call(listAudit, { query: { adminID: 'console:people:olga' } });
    assert.deepEqual(
      records.map(({ act, details }) => [act, JSON.parse(details).subject]),
      [['console.login', 'olga']],
    );
    await page.getByRole('button', { name: 'Log out' }).click();
    // The provider asks whether it should end its own session as well, then leads back.
    await page.waitForURL(`${people.issuer}/**`);
    await page.locator('button[name=logout], button[value=yes], button').first().click();
    await page.waitForURL(address);
    await page.getByRole('link', { name: 'Log in with Company' }).waitFor();
    assert.equal(await statusOf(page, '/admin/v1/users'), 401);
    assert.deepEqual(
      faultsOf(visitor).filter((fault) => !fault.includes('status of 401')),
      [],
    );
  });

  test('a person with a role in one tenant gets nowhere else, and one without a role gets nothing', async () => {
    await using helper = await comeAs('hank');
    const { page } = helper;
    await page.waitForURL('**/console/t2/users');
    assert.equal(await statusOf(page, '/t/t2/admin/v1/users'), 200);
    assert.equal(await statusOf(page, '/admin/v1/users'), 403, 'another tenant');
    assert.equal(await statusOf(page, '/t/t2/admin/v1/audit'), 403, 'another role');
    assert.equal(await statusOf(page, '/t/t2/admin/v1/cluster'), 403, 'the cluster');
    assert.equal(await page.getByRole('link', { name: 'Cluster' }).count(), 0);
    await using stranger = await comeAs('mallory');
    await stranger.page.getByText('You have no role in this console.').waitFor();
    assert.equal(new URL(stranger.page.url()).hash, '');
    assert.deepEqual(await stranger.accessibilityFaults(), []);
    assert.equal(await statusOf(stranger.page, '/t/t2/admin/v1/users'), 401);
  });

  test('the admin secret logs in where that is enabled, and a wrong one does not', async () => {
    await using visitor = await fixture.browser.visit();
    const { page } = visitor;
    await page.goto(address);
    await page.getByLabel('Your name').fill('root');
    await page.getByLabel('Admin secret of the tenant').fill('a guess');
    await page.getByRole('button', { name: 'Log in with the secret' }).click();
    await page.getByText('secret is not the admin secret of the tenant').waitFor();
    await page.getByLabel('Admin secret of the tenant').fill('admin secret of default');
    await page.getByRole('button', { name: 'Log in with the secret' }).click();
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
    assert.equal(await statusOf(page, '/admin/v1/audit'), 200);
    assert.equal(await statusOf(page, '/t/t2/admin/v1/users'), 403);
    assert.deepEqual(await fixture.actsOf('console:root'), [['console.login', '']]);
  });
});
