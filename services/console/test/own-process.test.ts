import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createConsoleLogin } from '@im/admin-api';
import { eventually } from '@im/testing';
import { type Fixture, startFixture } from './fixture.ts';
import { PAGES, SHOWN } from './shown.ts';

describe('a console in a process and at a path of its own', () => {
  let fixture: Fixture;
  let address = '';
  before(async () => {
    const console = { path: '/ops/im/', ownProcesses: true };
    fixture = await startFixture({ console: true, config: { api: { console } } });
    const { apiPort } = fixture.cluster.process('console').plan;
    address = `http://127.0.0.1:${apiPort}/ops/im/`;
  });
  after(() => fixture?.[Symbol.asyncDispose]());

  test('every page is shown there, from a login to what an act does to a device', async () => {
    const dora = await fixture.device('dora');
    const { token } = await fixture.admin.call(createConsoleLogin, { body: { name: 'ann', role: 'admin' } });
    await using visitor = await fixture.browser.visit();
    const { page, faults } = visitor;
    await page.goto(`${address}#login=${token}`);
    await page.locator('button[type=submit]').click();
    await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor();
    const cookies = (await visitor.context.cookies(address)).map(({ name }) => name);
    assert.deepEqual(cookies, ['__Host-im_console-ops_im']);
    // The page of the cluster needs rights in all tenants.
    for (const path of PAGES.filter((name) => name !== 'cluster')) {
      await page.goto(`${address}default/${path}`);
      await eventually(async () =>
        assert.equal(await page.evaluate(SHOWN), true, `${path}: ${faults.join('; ')}`),
      );
    }
    await page.goto(`${address}default/users/dora`);
    const since = dora.events.mark();
    await page.getByRole('button', { name: 'Ban' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('advertises');
    await dialog.getByRole('button', { name: 'Ban' }).click();
    await page.getByText('Banned until').waitFor();
    await dora.events.wait('OnKickedOffline', undefined, { since });
    assert.deepEqual(faults, []);
  });

  test('the API serves neither the page nor its sessions, and the console no route of clients', async () => {
    const { api } = fixture.cluster.endpoint('default');
    for (const path of ['/ops/im/', '/console/', '/ops/im/_api/admin/v1/users'])
      assert.equal((await fetch(`${api}${path}`)).status, 404, path);
    const root = await fetch(new URL('/', address), { redirect: 'manual' });
    assert.deepEqual([root.status, root.headers.get('location')], [302, 'ops/im/']);
    const body = JSON.stringify({ secret: fixture.cluster.tenant('default').adminSecret, userID: 'imAdmin' });
    const login = await fetch(new URL('/auth/get_admin_token', address), { method: 'POST', body });
    assert.equal(login.status, 404);
  });
});
