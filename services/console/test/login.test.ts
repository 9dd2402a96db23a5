import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  type AdminClient,
  adminClient,
  type ConsoleRole,
  createConsoleLogin,
  listAudit,
} from '@im/admin-api';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { buildConsole } from '../scripts/build-console.ts';
import { startBrowser, type TestBrowser, type Visitor } from './browser.ts';

/** Most bytes, by gzip, that are loaded before the first page is shown. */
const FIRST_LOAD = 200 * 1_024;

describe('login', () => {
  let cluster: Cluster;
  let browser: TestBrowser;
  let admin: AdminClient;
  const apiOf = (tenant: string) => cluster.endpoint(tenant).api;
  let built = '';
  before(async () => {
    built = await buildConsole();
    [cluster, browser] = await Promise.all([startCluster({ topology: 'one' }), startBrowser()]);
    admin = adminClient({ apiUrl: apiOf('default'), token: await cluster.admin('default').token() });
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await cluster?.close();
  });

  test('a link logs in once, at a click, and leaves no trace in the address', async () => {
    const { token } = await admin.call(createConsoleLogin, { body: { name: 'ann', role: 'admin' } });
    await using visitor = await browser.visit();
    const { page } = visitor;
    await page.goto(`${apiOf('default')}/console/#login=${token}`);
    await page.getByRole('button', { name: 'Log in' }).waitFor();
    assert.equal(new URL(page.url()).hash, '');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
    assert.equal(new URL(page.url()).pathname, '/console/default/users');
    const cookies = await visitor.context.cookies();
    assert.deepEqual(
      cookies.map(({ name, httpOnly, secure, sameSite, path }) => [name, httpOnly, secure, sameSite, path]),
      [['__Host-im_console', true, true, 'Strict', '/']],
    );
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    assert.deepEqual(visitor.faults, []);
    const { records } = await admin.call(listAudit, { query: { adminID: 'console:ann' } });
    assert.deepEqual(
      records.map(({ act }) => act),
      ['console.login'],
    );
  });

  test('the first page needs no more than 200 KB', async () => {
    await using visitor = await browser.visit();
    await enter(visitor, 'admin');
    const names: string[] = await visitor.page.evaluate(
      `performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.includes('/assets/'))`,
    );
    const sizes = [...new Set(names)].map((name) => {
      const file = join(built, 'assets', name.split('/').at(-1) ?? '');
      return statSync(existsSync(`${file}.gz`) ? `${file}.gz` : file).size;
    });
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(sizes.length > 3 && bytes <= FIRST_LOAD, `${bytes} bytes in ${sizes.length} files`);
  });

  test('a link that was used says so, and how to get another one', async () => {
    const { token } = await admin.call(createConsoleLogin, { body: { name: 'bea', role: 'viewer' } });
    const link = `${apiOf('default')}/console/#login=${token}`;
    await using first = await browser.visit();
    await first.page.goto(link);
    await first.page.getByRole('button', { name: 'Log in' }).click();
    await first.page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
    await using second = await browser.visit();
    await second.page.goto(link);
    await second.page.getByRole('button', { name: 'Log in' }).click();
    await second.page.getByText('was used or has expired').waitFor();
    await second.page.getByText('openimctl console login', { exact: true }).waitFor();
    assert.deepEqual(await second.accessibilityFaults(), []);
    // Browsers write each refused request to the console.
    assert.deepEqual(
      second.faults.filter((fault) => !fault.includes('status of 403')),
      [],
    );
  });

  test('a viewer is shown what a viewer may see; a session that ended leads to the login', async () => {
    await using visitor = await browser.visit();
    const { page } = visitor;
    await enter(visitor, 'viewer');
    const menu = page.getByRole('navigation').getByRole('link');
    assert.deepEqual(await menu.allTextContents(), [
      ...['Overview', 'Users', 'Groups', 'Connections', 'Statistics', 'Webhooks and push'],
      ...['Scheduled jobs', 'Tenant', 'About'],
    ]);
    await page.goto(`${apiOf('default')}/console/default/messages`);
    await page.getByText('Your role does not allow this page.').waitFor();
    await page.goto(`${apiOf('default')}/console/default/users/imAdmin`);
    await page.getByRole('heading', { name: 'superAdmin', level: 1 }).waitFor();
    assert.equal(await page.getByRole('button', { name: /^(Ban|Log out user|Delete account)$/ }).count(), 0);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('openimctl console login', { exact: true }).waitFor();
    assert.deepEqual(await visitor.context.cookies(), []);
    assert.deepEqual(visitor.faults, []);
  });

  test('the console works below the path of a tenant, in the language that was chosen', async () => {
    await using visitor = await browser.visit();
    const { page } = visitor;
    const t2 = adminClient({ apiUrl: apiOf('t2'), token: await cluster.admin('t2').token() });
    const { token } = await t2.call(createConsoleLogin, { body: { name: 'tom', role: 'admin' } });
    await page.goto(`${apiOf('t2')}/console/#login=${token}`);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.waitForURL('**/t/t2/console/t2/users');
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('menuitem', { name: '中文' }).click();
    await page.getByRole('heading', { name: '用户', level: 1 }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: '用户', level: 1 }).waitFor();
    assert.equal(await page.evaluate('document.documentElement.lang'), 'zh-CN');
    assert.deepEqual(visitor.faults, []);
  });

  /** Logs in with a new link. */
  async function enter({ page }: Visitor, role: ConsoleRole): Promise<void> {
    const { token } = await admin.call(createConsoleLogin, { body: { name: `a ${role}`, role } });
    await page.goto(`${apiOf('default')}/console/#login=${token}`);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
    await page.waitForLoadState('networkidle');
  }
});
