import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createBackendToken, getBroadcast, startBroadcast } from '@im/admin-api';
import { testTenant } from '@im/dev-cluster';
import { ensureCjkFonts } from '@im/dev-sdk';
import { eventually, startWebhookReceiver } from '@im/testing';
import type { View } from '../test/browser.ts';
import { type Fixture, startFixture } from '../test/fixture.ts';
import { PAGES, showPage } from '../test/shown.ts';

/**
 * Takes the pictures of docs/operations/console.md, of a server with a few users who chat. Pages are light and English, one
 * is dark and one Chinese as well.
 */
const OUT = join(import.meta.dirname, '../../../docs/operations/console');
const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
const LIGHT: View = { width: 1_280, colorScheme: 'light', locale: 'en-GB' };

/** Run by processes before anything else: pictures show the name of no machine, but one such as pods have. */
const RENAME = `import os from 'node:os';
import { syncBuiltinESMExports } from 'node:module';
os.hostname = () => 'chat-0';
syncBuiltinESMExports();`;

const PICTURES: readonly (readonly [name: string, path: string, view: View])[] = [
  ...[...PAGES, 'users/alice'].map((path) => [path.replace('/', '-'), path, LIGHT] as const),
  ['overview-dark', 'overview', { ...LIGHT, colorScheme: 'dark' }],
  ['users-zh', 'users', { ...LIGHT, locale: 'zh-CN' }],
];

/** A server in which something happens. */
async function furnished(): Promise<Fixture & { close(): Promise<void> }> {
  const receiver = await startWebhookReceiver();
  receiver.answer('die');
  const events = { afterCreateGroup: { enable: true, timeoutMs: 2_000 } };
  const fixture = await startFixture({
    tenants: [
      testTenant('default', {
        webhooks: { url: receiver.url, events },
        quotas: { users: 1_000, connections: 500, storageBytes: 10_000_000_000 },
      }),
    ],
    nodeFlags: ['--import', `data:text/javascript,${encodeURIComponent(RENAME)}`],
    config: { webhooks: { allowedNetworks: ['127.0.0.1'] } },
  });
  const [first, ...others] = await Promise.all(PEOPLE.map((name) => fixture.device(name)));
  if (!first) throw new Error('there is no user');
  await first.createGroup('Hiking on Sunday', PEOPLE.slice(1));
  await first.createGroup('项目讨论', PEOPLE.slice(1, 4));
  for (const other of others) await other.sendText({ user: 'alice' }, 'Shall we meet at nine?');
  await fixture.cluster.admin('default').ensureUsers(Array.from({ length: 40 }, (_, i) => `guest_${i + 1}`));
  await fixture.admin.call(createBackendToken, {
    body: { role: 'read', description: 'billing', lifeSeconds: 86_400 },
  });
  const broadcastID = 'picture';
  const body = { broadcastID, senderID: 'alice', text: 'The server moves on Friday evening.' };
  await fixture.admin.call(startBroadcast, { body });
  await eventually(async () => {
    const { broadcast } = await fixture.admin.call(getBroadcast, { params: { broadcastID } });
    if (broadcast.state === 'running') throw new Error('the broadcast is not sent yet');
  });
  return {
    ...fixture,
    async close() {
      await fixture[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

ensureCjkFonts();
mkdirSync(OUT, { recursive: true });
const fixture = await furnished();
try {
  for (const view of new Set(PICTURES.map(([, , shown]) => shown))) {
    await using visitor = await fixture.loggedIn('ann', view);
    const { page } = visitor;
    for (const [name, path, shown] of PICTURES) {
      if (shown !== view) continue;
      await showPage(visitor, path);
      await furnish(visitor.page, path);
      const height = Math.min(1_400, Number(await page.evaluate('document.documentElement.scrollHeight')));
      await page.setViewportSize({ width: 1_280, height: Math.max(700, height) });
      await page.screenshot({ path: join(OUT, `${name}.png`) });
      await page.setViewportSize({ width: 1_280, height: 900 });
      console.log(`${name}.png`);
    }
  }
} finally {
  await fixture.close();
}

/** Fills in what a page shows only when it is asked. */
async function furnish(page: Awaited<ReturnType<Fixture['loggedIn']>>['page'], path: string): Promise<void> {
  if (path === 'messages') {
    await page.getByLabel('Sender').fill('bob');
    await page.getByLabel('Reason').fill('Complaint 12');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('cell', { name: 'Shall we meet at nine?' }).waitFor();
  }
  if (path === 'broadcast') {
    await page.getByLabel('Sender').fill('alice');
    await page.getByLabel('User IDs, one on each line').fill('bob\ncarol');
    await page
      .getByRole('textbox', { name: 'Text', exact: true })
      .fill('Maintenance on Sunday at 10, for an hour.');
    await page.getByRole('button', { name: 'Count receivers' }).click();
    await page.getByText('2 users will get it.').waitFor();
  }
  if (path === 'webhooks') {
    await page.getByRole('combobox', { name: 'State' }).click();
    await page.getByRole('option', { name: 'Waiting' }).click();
    await page.getByRole('cell', { name: 'afterCreateGroup' }).first().waitFor();
  }
  if (path === 'overview') await page.getByRole('img', { name: /since|以来/ }).waitFor();
}
