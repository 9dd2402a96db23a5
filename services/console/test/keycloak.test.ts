import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { listAudit } from '@im/admin-api';
import { startTcpProxy, type TcpProxy } from '@im/dev-cluster';
import type { Visitor } from './browser.ts';
import { type Fixture, startFixture } from './fixture.ts';
import { type Keycloak, keycloakObstacle, startKeycloak } from './keycloak.ts';

const CLIENT = { id: 'im-console', secret: 'a secret of the client' };
const obstacle = process.env.FULL === '1' ? await keycloakObstacle() : 'needs FULL=1';
const LOGIN_MS = 60_000;

describe('people of Keycloak', { skip: obstacle ?? false }, () => {
  let dir = '';
  let keycloak: Keycloak;
  let proxy: TcpProxy;
  let fixture: Fixture;
  let address = '';
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'im-keycloak-'));
    proxy = await startTcpProxy(() => Number(new URL(fixture.root).port));
    address = `http://127.0.0.1:${proxy.port}/console/`;
    const groups = { olga: ['im-operators'], hank: ['helpdesk'], mallory: [] };
    keycloak = await startKeycloak(dir, { client: CLIENT, console: address, provider: 'company', groups });
    const provider = {
      ...{ name: 'company', displayName: 'Company', issuer: keycloak.issuer },
      ...{ clientID: CLIENT.id, clientSecret: CLIENT.secret },
      rules: [
        { values: ['im-operators'], role: 'admin' as const, tenants: ['*'] },
        { values: ['helpdesk'], role: 'support' as const, tenants: ['t2'] },
      ],
    };
    const console = { publicURL: `http://127.0.0.1:${proxy.port}`, oidc: [provider] };
    fixture = await startFixture({ config: { api: { console } } });
  });
  after(async () => {
    await fixture?.[Symbol.asyncDispose]();
    await keycloak?.[Symbol.asyncDispose]();
    await proxy?.close();
    if (dir !== '') await rm(dir, { recursive: true, force: true });
  });

  async function comeAs(name: string): Promise<Visitor> {
    const visitor = await fixture.browser.visit();
    visitor.context.setDefaultTimeout(LOGIN_MS);
    const { page } = visitor;
    await page.goto(address);
    await page.getByRole('link', { name: 'Log in with Company' }).click();
    await page.locator('#username').fill(name);
    await page.locator('#password').fill(name);
    await page.locator('#kc-login').click();
    return visitor;
  }

  test('an operator logs in, sees the cluster, and is logged out there as well', async () => {
    await using visitor = await comeAs('olga');
    const { page } = visitor;
    await page.getByText('Logged in as company:olga').waitFor();
    await page.getByRole('link', { name: 'Cluster' }).click();
    await page.getByRole('cell', { name: 'all', exact: true }).waitFor();
    const { records } = await fixture.admin.call(listAudit, { query: { adminID: 'console:company:olga' } });
    assert.deepEqual(
      records.map(({ act }) => act),
      ['console.login'],
    );
    await page.getByRole('button', { name: 'Log out' }).click();
    // Keycloak leads back without a question, since it gets the token of the login.
    await page.waitForURL(address);
    await page.getByRole('link', { name: 'Log in with Company' }).click();
    await page.locator('#password').waitFor();
  });

  test('groups give roles: support in one tenant, and nothing to those in none', async () => {
    await using helper = await comeAs('hank');
    await helper.page.waitForURL('**/console/t2/users');
    assert.equal(await helper.page.getByRole('link', { name: 'Cluster' }).count(), 0);
    await using stranger = await comeAs('mallory');
    await stranger.page.getByText('You have no role in this console.').waitFor();
  });

  test('a wrong password opens no session', async () => {
    await using visitor = await fixture.browser.visit();
    visitor.context.setDefaultTimeout(LOGIN_MS);
    const { page } = visitor;
    await page.goto(address);
    await page.getByRole('link', { name: 'Log in with Company' }).click();
    await page.locator('#username').fill('olga');
    await page.locator('#password').fill('wrong');
    await page.locator('#kc-login').click();
    await page.getByText('Invalid username or password.').first().waitFor();
    assert.equal(
      (await visitor.context.cookies(address)).filter(({ name }) => name === '__Host-im_console').length,
      0,
    );
  });
});
