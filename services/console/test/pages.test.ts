import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AdminClient,
  adminClient,
  countConnections,
  createConsoleLogin,
  listAudit,
  listConnections,
} from '@im/admin-api';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { type SdkHost, SdkUser, startJsHost } from '@im/dev-sdk';
import { buildConsole } from '../scripts/build-console.ts';
import { startBrowser, type TestBrowser, type View, type Visitor } from './browser.ts';

/** Where pictures of all pages are kept. @default none are taken */
const { SCREENSHOTS, FULL } = process.env;
/** A nickname that would run a script, if it were ever taken for markup. */
const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>alert(1)</script>';

describe('pages', () => {
  let cluster: Cluster;
  let browser: TestBrowser;
  let sdks: SdkHost;
  let admin: AdminClient;
  let root = '';
  before(async () => {
    await buildConsole();
    [cluster, browser] = await Promise.all([startCluster({ topology: 'one' }), startBrowser()]);
    sdks = startJsHost();
    root = cluster.endpoint('default').api;
    admin = adminClient({ apiUrl: root, token: await cluster.admin('default').token() });
  });
  after(async () => {
    await sdks?.close();
    await browser?.[Symbol.asyncDispose]();
    await cluster?.close();
  });

  /** A window of a person who is logged in as `name`. */
  async function loggedIn(name: string, view?: View): Promise<Visitor> {
    const { token } = await admin.call(createConsoleLogin, { body: { name, role: 'admin' } });
    const visitor = await browser.visit(view);
    await visitor.page.goto(`${root}/console/#login=${token}`);
    await visitor.page.locator('button[type=submit]').click();
    await visitor.page.locator('input[data-search]').waitFor();
    return visitor;
  }
  async function device(name: string): Promise<SdkUser> {
    const user = new SdkUser(name, await sdks.open(`default/${name}`));
    await user.login(
      cluster.endpoint('default'),
      await cluster.admin('default').userToken(name, user.platformID),
    );
    return user;
  }
  const actsOf = async (adminID: string) =>
    (await admin.call(listAudit, { query: { adminID } })).records.map(({ act, reason }) => [act, reason]);

  /** The users online, once those whom tests before this one disconnected are gone from the numbers as well. */
  async function settledUsers(): Promise<number> {
    for (;;) {
      const { connections } = await admin.call(listConnections, { query: { limit: 100 } });
      const { users } = await admin.call(countConnections, {});
      if (new Set(connections.map(({ userID }) => userID)).size === users) return users;
      await sleep(200);
    }
  }

  test('a user is found and banned by the keyboard alone; the SDK is kicked, and the audit log says who and why', async () => {
    await cluster.admin('default').ensureUsers(['spammer']);
    const spammer = await device('spammer');
    await using visitor = await loggedIn('keys');
    const { page } = visitor;
    const since = spammer.events.mark();
    await page.keyboard.press('/');
    await page.keyboard.type('spam');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/users?q=spam');
    const found = page.getByRole('link', { name: 'spammer' });
    await found.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'spammer', level: 1 }).waitFor();
    await page.getByRole('button', { name: 'Ban' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.getByLabel('Reason').focus();
    await page.keyboard.type('advertises');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Banned until').waitFor();
    await spammer.events.wait('OnKickedOffline', undefined, { since });
    assert.deepEqual(await actsOf('console:keys'), [
      ['user.ban', 'advertises'],
      ['console.login', ''],
    ]);
    assert.deepEqual(visitor.faults, []);
  });

  test('a message is read with a reason and revoked; the SDK of the receiver hears of it', async () => {
    await cluster.admin('default').ensureUsers(['mia', 'ned']);
    const [mia, ned] = [await device('mia'), await device('ned')];
    await mia.sendText({ user: 'ned' }, `${HOSTILE} buy now`);
    await ned.received(`${HOSTILE} buy now`);
    await using visitor = await loggedIn('mod');
    const { page } = visitor;
    await page.getByRole('link', { name: 'Messages' }).click();
    await page.getByLabel('Sender').fill('mia');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('Say why you read these messages.').waitFor();
    await page.getByLabel('Reason').fill('complaint 12');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('buy now').waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    const since = ned.events.mark();
    await page.getByRole('button', { name: /^Revoke message/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await ned.events.wait('OnNewRecvMessageRevoked', undefined, { since });
    await page.getByText('Revoked', { exact: true }).waitFor();
    assert.notEqual(await page.title(), 'owned');
    const acts = await actsOf('console:mod');
    assert.ok(acts.some(([act, reason]) => act === 'message.search' && reason === 'complaint 12'));
    assert.ok(acts.some(([act]) => act === 'message.revoke'));
    assert.deepEqual(visitor.faults, []);
  });

  test('an account is deleted, and a group dismissed, only when its name was typed', async () => {
    await cluster.admin('default').ensureUsers(['zoe', 'yan']);
    const zoe = await device('zoe');
    const { groupID } = await zoe.createGroup(HOSTILE, ['yan']);
    await using visitor = await loggedIn('cleaner');
    const { page } = visitor;
    const since = zoe.events.mark();
    await page.goto(`${root}/console/default/groups/${groupID}`);
    await page.getByRole('heading', { name: HOSTILE, level: 1 }).waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    await page.getByRole('button', { name: 'Dismiss' }).click();
    const dialog = page.getByRole('dialog');
    const dismiss = dialog.getByRole('button', { name: 'Dismiss' });
    await dialog.getByLabel(/to confirm$/).fill('something else');
    assert.equal(await dismiss.isDisabled(), true);
    await dialog.getByLabel(/to confirm$/).fill(HOSTILE);
    await dismiss.click();
    await zoe.events.wait('OnGroupDismissed', undefined, { since });
    await page.goto(`${root}/console/default/users/zoe`);
    await page.getByRole('button', { name: 'Delete account' }).click();
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete account' });
    assert.equal(await confirm.isDisabled(), true);
    await page
      .getByRole('dialog')
      .getByLabel(/to confirm$/)
      .fill('zoe');
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    await confirm.click();
    await zoe.events.wait('OnKickedOffline', undefined, { since });
    assert.deepEqual(visitor.faults, []);
  });

  test('the overview shows who is connected, as it changes', async () => {
    await cluster.admin('default').ensureUsers(['liv']);
    await using visitor = await loggedIn('watcher');
    const { page } = visitor;
    await page.getByRole('link', { name: 'Overview' }).click();
    const figure = page.locator('[data-figure="Users online"]');
    const before = await settledUsers();
    await figure.filter({ hasText: new RegExp(`^${before}$`) }).waitFor();
    const liv = await device('liv');
    await figure.filter({ hasText: new RegExp(`^${before + 1}$`) }).waitFor();
    await liv.close();
    await page.getByRole('img', { name: /since this page was opened/ }).waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    assert.deepEqual(visitor.faults, []);
  });

  const views: readonly Required<View>[] = [
    { width: 1_280, colorScheme: 'light', locale: 'en-GB' },
    { width: 360, colorScheme: 'dark', locale: 'zh-CN' },
    { width: 360, colorScheme: 'light', locale: 'en-GB' },
    { width: 1_280, colorScheme: 'dark', locale: 'zh-CN' },
  ];
  for (const view of FULL === '1' ? views : views.slice(0, 2)) {
    const name = `${view.locale}-${view.colorScheme}-${view.width}`;
    test(`all pages are accessible, fit the window and break no policy (${name})`, async () => {
      await cluster.admin('default').ensureUsers(['ann', 'bob']);
      await using visitor = await loggedIn(`viewer ${name}`, view);
      const { page } = visitor;
      for (const path of [
        'overview',
        'users',
        'users/ann',
        'users/nobody',
        'groups',
        'messages',
        'statistics',
        'audit',
        'access',
        'about',
      ]) {
        await page.goto(`${root}/console/default/${path}`);
        if (path === 'users/nobody') await page.locator('[role=alert]').waitFor();
        else await page.locator('h1').waitFor();
        await page.locator('[role=status][aria-label]').first().waitFor({ state: 'detached' });
        // The overview asks for as long as it is shown.
        if (path !== 'overview') await page.waitForLoadState('networkidle');
        if (SCREENSHOTS) {
          mkdirSync(SCREENSHOTS, { recursive: true });
          await page.screenshot({ path: join(SCREENSHOTS, `${path.replace('/', '-')}-${name}.png`) });
        }
        assert.deepEqual(await visitor.accessibilityFaults(), [], path);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert.ok(Number(overflow) <= 0, `${path} is ${overflow} px too wide`);
        assert.equal(
          await page.evaluate('document.documentElement.lang'),
          view.locale === 'zh-CN' ? 'zh-CN' : 'en',
        );
      }
      // The page of a user that does not exist is answered with 404, which browsers write to the console.
      assert.deepEqual(
        visitor.faults.filter((fault) => !fault.includes('status of 404')),
        [],
      );
    });
  }
});
