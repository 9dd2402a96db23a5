import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { countConnections, listConnections } from '@im/admin-api';
import { type Fixture, startFixture } from './fixture.ts';
import { press, typeInto } from './keyboard.ts';

/** A nickname that would run a script, if it were ever taken for markup. */
const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>alert(1)</script>';

describe('pages', () => {
  let fixture: Fixture;
  before(async () => {
    fixture = await startFixture();
  });
  after(async () => fixture?.[Symbol.asyncDispose]());

  /** The users online, once those whom tests before this one disconnected are gone from the numbers as well. */
  async function settledUsers(): Promise<number> {
    for (;;) {
      const { connections } = await fixture.admin.call(listConnections, { query: { limit: 100 } });
      const { users } = await fixture.admin.call(countConnections, {});
      if (new Set(connections.map(({ userID }) => userID)).size === users) return users;
      await sleep(200);
    }
  }

  test('a user is found and banned by the keyboard alone; the SDK is kicked, and the audit log says who and why', async () => {
    const spammer = await fixture.device('spammer');
    await using visitor = await fixture.loggedIn('keys');
    const { page } = visitor;
    const since = spammer.events.mark();
    await page.keyboard.press('/');
    await page.keyboard.type('spam');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/users?q=spam');
    await press(page, page.getByRole('link', { name: 'spammer' }));
    await page.getByRole('heading', { name: 'spammer', level: 1 }).waitFor();
    await press(page, page.getByRole('button', { name: 'Ban' }));
    const dialog = page.getByRole('dialog');
    await typeInto(page, dialog.getByLabel('Reason'), 'advertises');
    await press(page, dialog.getByRole('button', { name: 'Ban' }));
    await page.getByText('Banned until').waitFor();
    await spammer.events.wait('OnKickedOffline', undefined, { since });
    assert.deepEqual(await fixture.actsOf('console:keys'), [
      ['user.ban', 'advertises'],
      ['console.login', ''],
    ]);
    assert.deepEqual(visitor.faults, []);
  });

  test('a message is read with a reason and revoked by the keyboard alone; the SDK of the receiver hears of it', async () => {
    const [mia, ned] = [await fixture.device('mia'), await fixture.device('ned')];
    await mia.sendText({ user: 'ned' }, `${HOSTILE} buy now`);
    await ned.received(`${HOSTILE} buy now`);
    await using visitor = await fixture.loggedIn('mod');
    const { page } = visitor;
    await press(page, page.getByRole('link', { name: 'Messages' }));
    await typeInto(page, page.getByLabel('Sender'), 'mia');
    await page.keyboard.press('Enter');
    await page.getByText('Give a reason for reading these messages.').waitFor();
    await typeInto(page, page.getByLabel('Reason'), 'complaint 12');
    await press(page, page.getByRole('button', { name: 'Search' }));
    await page.getByText('buy now').waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    const since = ned.events.mark();
    await press(page, page.getByRole('button', { name: /^Revoke message/ }));
    await press(page, page.getByRole('dialog').getByRole('button', { name: 'Revoke' }));
    await ned.events.wait('OnNewRecvMessageRevoked', undefined, { since });
    await page.getByText('Revoked', { exact: true }).waitFor();
    assert.notEqual(await page.title(), 'owned');
    const acts = await fixture.actsOf('console:mod');
    assert.ok(acts.some(([act, reason]) => act === 'message.search' && reason === 'complaint 12'));
    assert.ok(acts.some(([act]) => act === 'message.revoke'));
    assert.deepEqual(visitor.faults, []);
  });

  test('an account is deleted, and a group dismissed, only when its name was typed', async () => {
    await fixture.cluster.admin('default').ensureUsers(['yan']);
    const zoe = await fixture.device('zoe');
    const { groupID } = await zoe.createGroup(HOSTILE, ['yan']);
    await using visitor = await fixture.loggedIn('cleaner');
    const { page } = visitor;
    const since = zoe.events.mark();
    await page.goto(`${fixture.root}/console/default/groups/${groupID}`);
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
    await page.goto(`${fixture.root}/console/default/users/zoe`);
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
    await using visitor = await fixture.loggedIn('watcher');
    const { page } = visitor;
    await page.getByRole('link', { name: 'Overview' }).click();
    const figure = page.locator('[data-figure="Users online"]');
    const before = await settledUsers();
    await figure.filter({ hasText: new RegExp(`^${before}$`) }).waitFor();
    const liv = await fixture.device('liv');
    await figure.filter({ hasText: new RegExp(`^${before + 1}$`) }).waitFor();
    await liv.close();
    await page.getByRole('img', { name: /since this page was opened/ }).waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    assert.deepEqual(visitor.faults, []);
  });
});
