import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  createBackendToken,
  getCronJob,
  listConnections,
  listUsers,
  listWebhookDeliveries,
  searchMessages,
  startBroadcast,
} from '@im/admin-api';
import { TEST_TENANTS, testTenant } from '@im/dev-cluster';
import { eventually, startWebhookReceiver, type WebhookReceiver } from '@im/testing';
import { type Fixture, startFixture } from './fixture.ts';
import { press, typeInto } from './keyboard.ts';

/** Of which no client makes any by itself. */
const EVENT = 'afterCreateGroup';

/** A machine may stall for as long. */
const UNDISTURBED_MS = 8_000;

describe('pages for those who run a tenant', () => {
  let receiver: WebhookReceiver;
  let fixture: Fixture;
  before(async () => {
    receiver = await startWebhookReceiver();
    const webhooks = { url: receiver.url, events: { [EVENT]: { enable: true, timeoutMs: 2_000 } } };
    const quotas = { users: 50 };
    const [, t2] = TEST_TENANTS;
    assert.ok(t2);
    fixture = await startFixture({
      tenants: [testTenant('default', { webhooks, quotas }), t2],
      config: { webhooks: { allowedNetworks: ['127.0.0.1'] } },
    });
  });
  after(async () => {
    await fixture?.[Symbol.asyncDispose]();
    await receiver?.[Symbol.asyncDispose]();
  });

  test('a connection is found by user and platform, and kicked when its user was typed; the SDK is told', async () => {
    const { admin, root } = fixture;
    const [kim, leo] = [await fixture.device('kim'), await fixture.device('leo')];
    await using visitor = await fixture.loggedIn('kicker');
    const { page } = visitor;
    const [since, other] = [kim.events.mark(), leo.events.mark()];
    await page.getByRole('link', { name: 'Connections' }).click();
    const rows = page.getByRole('table').locator('tbody tr');
    await rows.filter({ hasText: 'leo' }).waitFor();
    await page.getByLabel('User ID').fill('kim');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.waitForURL('**/connections?userID=kim');
    await rows.filter({ hasText: 'leo' }).waitFor({ state: 'detached' });
    await rows.filter({ hasText: 'kim' }).waitFor();
    assert.equal(await rows.count(), 1);
    await page.getByRole('button', { name: 'Kick a connection of kim' }).click();
    const dialog = page.getByRole('dialog');
    const kick = dialog.getByRole('button', { name: 'Kick', exact: true });
    assert.equal(await kick.isDisabled(), true);
    await dialog.getByLabel(/to confirm$/).fill('kim');
    await dialog.getByLabel('Reason').fill('spams');
    await kick.click();
    await kim.events.wait('OnKickedOffline', undefined, { since });
    await page.getByText('Nothing found').waitFor();
    assert.deepEqual(leo.events.named('OnKickedOffline', other), []);
    const { connections } = await admin.call(listConnections, { query: { userID: 'leo' } });
    assert.equal(connections.length, 1);
    await page.goto(`${root}/console/default/connections?address=10.0.0.0/8`);
    await page.getByText('Nothing found').waitFor();
    assert.deepEqual(await fixture.actsOf('console:kicker'), [
      ['connection.kick', 'spams'],
      ['console.login', ''],
    ]);
    assert.deepEqual(visitor.faults, []);
  });

  test('a webhook that failed is shown with its outcome, read with a reason, and replayed to the receiver', async () => {
    const { admin } = fixture;
    const ola = await fixture.device('ola');
    receiver.answer('die');
    await ola.createGroup('Fails at first', []);
    await eventually(async () => {
      const { deliveries } = await admin.call(listWebhookDeliveries, { query: { state: 'waiting' } });
      assert.equal(deliveries.length, 1);
    });
    await using visitor = await fixture.loggedIn('hooks');
    const { page } = visitor;
    await page.getByRole('link', { name: 'Webhooks and push' }).click();
    await page.getByText('Nothing found').waitFor();
    await page.getByRole('combobox', { name: 'State' }).click();
    await page.getByRole('option', { name: 'Waiting' }).click();
    const row = page.locator('tbody tr').filter({ hasText: EVENT });
    await row.waitFor();
    await row.getByRole('button', { name: /^Show body/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('ticket 4');
    await dialog.getByRole('button', { name: 'Show body' }).click();
    await page.getByText('Fails at first').waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    await page.keyboard.press('Escape');
    await row.getByRole('button', { name: /^Replay/ }).click();
    await dialog.getByRole('button', { name: 'Replay' }).waitFor();
    // One that is delivered by itself meanwhile cannot be replayed.
    await eventually(async () => {
      const { deliveries } = await admin.call(listWebhookDeliveries, { query: { state: 'waiting' } });
      assert.ok(deliveries.every(({ nextTime }) => nextTime > Date.now() + UNDISTURBED_MS));
      assert.equal(deliveries.length, 1);
    }, 10 * UNDISTURBED_MS);
    receiver.answer({});
    receiver.take();
    await dialog.getByRole('button', { name: 'Replay' }).click();
    await eventually(() =>
      assert.ok(receiver.take().some(({ body }) => body.groupName === 'Fails at first')),
    );
    await page.getByRole('button', { name: 'Test the webhook' }).click();
    await dialog.getByLabel(/^Event/).fill(EVENT);
    await dialog.getByRole('button', { name: 'Send the sample' }).click();
    await dialog.getByRole('status').getByText('answered', { exact: true }).waitFor();
    assert.equal(receiver.take().length, 1);
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    const acts = (await fixture.actsOf('console:hooks')).map(([act]) => act);
    assert.deepEqual(acts, ['webhook.test', 'webhook.replay', 'webhook.read', 'console.login']);
    assert.deepEqual(visitor.faults, []);
  });

  test('a job is run now, and its outcome appears', async () => {
    const { admin } = fixture;
    await using visitor = await fixture.loggedIn('jobs');
    const { page } = visitor;
    await page.getByRole('link', { name: 'Scheduled jobs' }).click();
    const row = page.locator('tbody tr').filter({ hasText: 'expire-codes' });
    await row.getByRole('button', { name: 'Run now: expire-codes' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
    await row.getByText('OK', { exact: true }).waitFor();
    const { job } = await admin.call(getCronJob, { params: { name: 'expire-codes' } });
    assert.equal(job.last?.outcome, 'ok');
    assert.deepEqual(visitor.faults, []);
  });

  test('a tenant shows usage against quotas, keys and settings without a secret, and revokes tokens', async () => {
    const { admin } = fixture;
    const { token } = await admin.call(createBackendToken, {
      body: { role: 'read', description: 'billing', lifeSeconds: 600 },
    });
    await using visitor = await fixture.loggedIn('owner');
    const { page } = visitor;
    await page.getByRole('link', { name: 'Tenant' }).click();
    await page.locator('[data-figure=users]').filter({ hasText: 'of 50' }).waitFor();
    await page.getByLabel('Filter settings').fill('quotas.users');
    await page.getByRole('cell', { name: 'quotas.users', exact: true }).waitFor();
    await page.getByLabel('Filter settings').fill('');
    await page.getByRole('cell', { name: 'tokenSecret', exact: true }).waitFor();
    const shown = await page.locator('main').textContent();
    for (const secret of ['token secret of default', 'admin secret of default', token])
      assert.ok(!shown?.includes(secret), secret);
    const read = () => fetch(`${fixture.root}/admin/v1/users?limit=1`, { headers: { token } });
    assert.equal((await read()).status, 200);
    await page.getByRole('button', { name: 'Revoke the token billing' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/to confirm$/).fill('billing');
    await dialog.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('Revoked', { exact: true }).waitFor();
    assert.equal((await read()).status, 401);
    assert.deepEqual(visitor.faults, []);
  });

  test('support sees connections and kicks none, and no role gets a token by the console', async () => {
    await using visitor = await fixture.loggedIn('helper', {}, 'support');
    const { page } = visitor;
    await fixture.device('pia');
    await page.getByRole('link', { name: 'Connections' }).click();
    await page.locator('tbody tr').filter({ hasText: 'pia' }).waitFor();
    assert.equal(await page.getByRole('button', { name: /^Kick/ }).count(), 0);
    await page.getByRole('link', { name: 'Tenant' }).click();
    await page.locator('[data-figure=users]').waitFor();
    assert.equal(await page.getByRole('heading', { name: /^(Keys|Settings|Tokens)/ }).count(), 0);
    const asked = async (role: 'support' | 'admin') => {
      await using window = await fixture.loggedIn(`asks as ${role}`, {}, role);
      return await window.page.evaluate(
        `fetch('/admin/v1/tokens', { method: 'POST', body: '{"role":"full"}',
          headers: { 'x-openim-console': '1', 'content-type': 'application/json' } }).then(({ status }) => status)`,
      );
    };
    assert.deepEqual([await asked('support'), await asked('admin')], [403, 403]);
    assert.deepEqual(visitor.faults, []);
  });

  test('a broadcast is counted, then sent once to each, by the keyboard alone; the SDK gets it, and the audit log has it', async () => {
    const [rae, sam] = [await fixture.device('rae'), await fixture.device('sam')];
    await fixture.cluster.admin('default').ensureUsers(['desk']);
    await using visitor = await fixture.loggedIn('caller');
    const { page } = visitor;
    await press(page, page.getByRole('link', { name: 'Broadcast' }));
    await typeInto(page, page.getByLabel('Sender'), 'desk');
    await typeInto(page, page.getByLabel('User IDs, one on each line'), 'rae\nsam\nnobody');
    await typeInto(page, page.getByRole('textbox', { name: 'Text', exact: true }), 'Maintenance at 10');
    assert.equal(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled(), true);
    await press(page, page.getByRole('button', { name: 'Count receivers' }));
    await page.getByText('2 users will get it.').waitFor();
    await page.getByText('Unknown: nobody').waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    await press(page, page.getByRole('button', { name: 'Send', exact: true }));
    await press(page, page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }));
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    // The server goes on without the page.
    await page.goto('about:blank');
    await rae.received('Maintenance at 10');
    await sam.received('Maintenance at 10');
    await page.goBack();
    await page.getByRole('cell', { name: '2 of 2 sent' }).waitFor();
    await page.getByText('done', { exact: true }).waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    const acts = (await fixture.actsOf('console:caller')).map(([act]) => act);
    assert.deepEqual(acts, ['message.broadcast', 'message.broadcast', 'console.login']);
    // What is asked for again, as after a lost answer, reaches nobody twice.
    const again = { senderID: 'desk', text: 'Once', userIDs: ['rae'], broadcastID: 'again' };
    for (const _ of [1, 2]) await fixture.admin.call(startBroadcast, { body: again });
    await fixture.admin.call(startBroadcast, { body: { ...again, text: 'Last', broadcastID: 'last' } });
    await rae.received('Last');
    const { messages } = await fixture.admin.call(searchMessages, {
      query: { sendID: 'desk', recvID: 'rae', reason: 'test' },
    });
    const sent = messages
      .map(({ content }) => JSON.stringify(content))
      .filter((text) => text.includes('Once'));
    assert.equal(sent.length, 1);
    assert.deepEqual(visitor.faults, []);
  });

  test('users of a CSV file are registered after a dry run that says what is wrong, by line', async () => {
    const { admin } = fixture;
    await fixture.cluster.admin('default').ensureUsers(['old_one']);
    await using visitor = await fixture.loggedIn('importer');
    const { page } = visitor;
    await page.getByRole('link', { name: 'Import users' }).click();
    const csv = 'userID,nickname\nnew_one,"One, new"\nold_one,x\nbad id,y\nnew_two,\nnew_one,again\n';
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'users.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
    await page.getByRole('button', { name: 'Check (dry run)' }).click();
    await page.getByText('2 can be registered, 1 exist already, 2 lines have errors.').waitFor();
    await page.getByRole('cell', { name: /bad id is not/ }).waitFor();
    await page.getByRole('cell', { name: /new_one is on line 2 already/ }).waitFor();
    assert.deepEqual(await visitor.accessibilityFaults(), []);
    const found = async () => (await admin.call(listUsers, { query: { userID: 'new_' } })).users;
    assert.deepEqual(await found(), [], 'a dry run registers nobody');
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Register' }).click();
    await page.getByText('2 users were registered.').waitFor();
    assert.deepEqual((await found()).map(({ userID, nickname }) => [userID, nickname]).sort(), [
      ['new_one', 'One, new'],
      ['new_two', 'new_two'],
    ]);
    assert.deepEqual(visitor.faults, []);
  });

  test('a log that a client uploaded is found and leads to its file, and one with a script for a URL does not', async () => {
    const api = fixture.cluster.admin('default');
    await api.ensureUsers(['una']);
    const token = await api.userToken('una', 5);
    const upload = (filename: string, URL: string) =>
      api.api.call(
        '/third/logs/upload',
        { platform: 5, appFramework: 'web', version: '1', fileURLs: [{ filename, URL }] },
        { token },
      );
    await upload('good.log', 'https://objects.example.com/good.log');
    await upload('evil.log', 'javascript:alert(1)');
    await using visitor = await fixture.loggedIn('support', {}, 'support');
    const { page } = visitor;
    await page.getByRole('link', { name: 'Client logs' }).click();
    await page.getByRole('link', { name: 'Download: good.log' }).waitFor();
    await page.getByText('evil.log').waitFor();
    assert.equal(await page.getByRole('link', { name: /evil/ }).count(), 0);
    assert.equal(await page.getByRole('button', { name: /^Remove/ }).count(), 0);
    assert.deepEqual(visitor.faults, []);
  });
});
