/**
 * What the pages of the console cost with much data: loads each page in a browser, and prints how long it takes until it is
 * complete, and what the requests of the page take.
 *
 *     node services/console/bench/large-data.ts [users] [connections] [messages]
 */
import { connectWire, newestSeqs } from '@im/client';
import { tenantSettings } from '@im/contract';
import { testTenant } from '@im/dev-cluster';
import { eachLimited } from '@im/kit';
import { connectStore, eventually, fillMessages } from '@im/testing';
import type { Page, Response } from 'playwright-core';
import type { Visitor } from '../test/browser.ts';
import { type Fixture, startFixture } from '../test/fixture.ts';
import { PAGES, showPage } from '../test/shown.ts';

const [userCount = 100_000, connectionCount = 10_000, messageCount = 1_000_000] = process.argv
  .slice(2)
  .map(Number);
const TENANT = 'default';
/** The one of a server whose config names none. */
const DATABASE = 'openim';
const CONVERSATIONS = 5_000;
const GROUPS = 200;
const MEMBERS = 50;
const DAYS = 30;
const DAY_MS = 86_400_000;
const ANDROID = 2;
const AT_ONCE = 16;
/** Messages that contain the word that is searched for. */
const NEEDLES = 20;
/** A million messages with the indexes of searches do not fit into the cache of the tests. */
const CACHE = '2G';
/** Route of the live figures, whose answer ends when its page does. */
const STREAM = '/live';
/** Longest wait for what a page shows. */
const SHOWN_WITHIN_MS = 120_000;

const userOf = (n: number) => `user${String(n).padStart(6, '0')}`;

async function step(name: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await work();
  console.log(`${name}: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
}

async function storeMessages({ cluster }: Fixture): Promise<void> {
  const { mongo, redis } = cluster.stores;
  const { adminSecret, tokenSecret } = cluster.tenant(TENANT);
  const tenant = tenantSettings({ id: TENANT, adminSecret, tokenSecret });
  const place = { mongo: mongo.uri, redis: redis.uri, database: DATABASE };
  await using connected = await connectStore(place, { tenants: [tenant] });
  await fillMessages(connected.store, {
    ...{ tenant: tenant.id, messages: messageCount, conversations: CONVERSATIONS, needles: NEEDLES },
    idOf: (n) => `si_${userOf(2 * n)}_${userOf(2 * n + 1)}`,
    senderOf: (n, i) => userOf(2 * n + (i % 2)),
    start: Date.now() - DAYS * DAY_MS,
    indexed: true,
  });
}

async function fillGroups({ cluster }: Fixture): Promise<void> {
  await eachLimited(Array(GROUPS).keys(), AT_ONCE, async (n) => {
    const members = Array.from({ length: MEMBERS }, (_, i) => userOf((n * 61 + i + 1) % userCount));
    await cluster.admin(TENANT).call('/group/create_group', {
      memberUserIDs: members,
      ownerUserID: userOf((n * 61) % userCount),
      groupInfo: { groupName: `Group ${n}`, groupType: 2 },
    });
  });
}

async function connectMany({ cluster }: Fixture): Promise<AsyncDisposable> {
  const connections: Awaited<ReturnType<typeof connectWire>>[] = [];
  const endpoint = cluster.endpoint(TENANT);
  await eachLimited(Array(connectionCount).keys(), AT_ONCE, async (n) => {
    const userID = userOf(n % userCount);
    const token = await cluster.admin(TENANT).userToken(userID, ANDROID);
    const connection = await connectWire({ ws: endpoint.ws, userID, token, platformID: ANDROID });
    await newestSeqs(connection);
    connections.push(connection);
  });
  return {
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.terminate();
    },
  };
}

/** What a page asked the server meanwhile, by route. */
function watched(page: Page): { take(): string } {
  const calls = new Map<string, number[]>();
  const settled = (response: Response) => {
    const url = new URL(response.url());
    const route = url.pathname.split('/admin/v1')[1];
    if (route === undefined || route === STREAM) return;
    const name = `${response.request().method()} ${route.replace(/user\d+/, '{userID}')}`;
    void response
      .finished()
      .then(() => {
        const { responseEnd } = response.request().timing();
        calls.set(name, [...(calls.get(name) ?? []), responseEnd]);
      })
      .catch(() => {});
  };
  page.on('response', settled);
  return {
    take() {
      const text = [...calls]
        .map(([name, times]) => `${name} ${times.map((ms) => ms.toFixed(0)).join(', ')} ms`)
        .join('; ');
      calls.clear();
      return text;
    },
  };
}

/** Prints how long something takes in the browser. */
async function shown(name: string, calls: { take(): string }, work: () => Promise<unknown>): Promise<void> {
  calls.take();
  const startedAt = performance.now();
  let failure = '';
  try {
    await work();
  } catch (error) {
    failure = ` FAILED: ${String(error).split('\n')[0]}`;
  }
  console.log(`${name}: ${(performance.now() - startedAt).toFixed(0)} ms${failure}; ${calls.take()}`);
}

async function pages(fixture: Fixture, visitor: Visitor): Promise<void> {
  const { page } = visitor;
  const calls = watched(page);
  const loaded: Promise<number>[] = [];
  const count = (response: Response) => {
    if (response.url().endsWith(STREAM)) return;
    const sizes = response.request().sizes();
    loaded.push(sizes.then(({ responseBodySize }) => Math.max(0, responseBodySize)).catch(() => 0));
  };
  page.on('response', count);
  await shown('first load', calls, async () => {
    await page.goto(`${fixture.root}/console/default/overview`);
    await showPage(visitor, 'overview', SHOWN_WITHIN_MS);
  });
  page.off('response', count);
  const sizes = await Promise.all(loaded);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`  ${bytes} bytes in ${sizes.length} answers, compressed as the browser asked`);
  for (const path of [...PAGES, `users/${userOf(0)}`])
    await shown(path, calls, () => showPage(visitor, path, SHOWN_WITHIN_MS));
  const rows = (least: number) =>
    eventually(async () => {
      const count = await page.locator('tbody tr').count();
      if (count < least) throw new Error(`${count} rows`);
    }, SHOWN_WITHIN_MS);

  const ask = async (text: string) => {
    await page.locator('input[data-search]').fill(text);
    await page.keyboard.press('Enter');
  };
  await showPage(visitor, 'users');
  await shown('users: a prefix', calls, async () => {
    const last = userOf(userCount - 1);
    await ask(last.slice(0, -2));
    await page
      .getByRole('link', { name: last })
      .or(page.getByRole('link', { name: userOf(userCount - 100) }))
      .first()
      .waitFor();
  });
  await shown('users: within a name', calls, async () => {
    const found = userOf(userCount - 50);
    await ask(found.slice(-5));
    await page.getByRole('link', { name: found }).first().waitFor({ timeout: SHOWN_WITHIN_MS });
  });
  await showPage(visitor, 'connections');
  await shown('connections: of a user', calls, async () => {
    await ask(userOf(7));
    await eventually(async () => {
      const count = await page.locator('tbody tr').count();
      if (count !== 1) throw new Error(`${count} rows`);
    }, SHOWN_WITHIN_MS);
  });
  const search = async (fields: Readonly<Record<string, string>>) => {
    // Another page in between: this one keeps what was filled in.
    await showPage(visitor, 'about');
    await showPage(visitor, 'messages');
    for (const [label, value] of Object.entries({ ...fields, Reason: 'a measurement' }))
      await page.getByLabel(label, { exact: false }).first().fill(value);
    await page.getByRole('button', { name: 'Search' }).click();
    await rows(1);
  };
  await shown('messages: of a sender', calls, () => search({ Sender: userOf(6) }));
  await shown('messages: a word', calls, () => search({ Text: 'needle' }));
  await shown('messages: of a conversation', calls, () =>
    search({ Conversation: `si_${userOf(6)}_${userOf(7)}` }),
  );
  if (visitor.faults.length > 0) console.log('faults:', visitor.faults.slice(0, 10));
}

console.log(`${userCount} users, ${connectionCount} connections, ${messageCount} messages`);
await using fixture = await startFixture({
  // Of the only tenant, who may see the cluster as well.
  tenants: [testTenant(TENANT)],
  config: { gateway: { maxConnections: 2 * connectionCount + 100 }, cron: { searchIndexes: true } },
  // The disk is not what is measured.
  stores: { mongo: { cacheSize: CACHE, syncOnCommit: false } },
});
await step('users', () =>
  fixture.cluster.admin(TENANT).ensureUsers(Array.from({ length: userCount }, (_, n) => userOf(n))),
);
await step('groups', () => fillGroups(fixture));
await step('messages', () => storeMessages(fixture));
let connections: AsyncDisposable | undefined;
await step('connections', async () => {
  connections = await connectMany(fixture);
});
try {
  await using visitor = await fixture.loggedIn('ann');
  for (const round of ['cold', 'warm']) {
    console.log(round);
    await pages(fixture, visitor);
  }
} finally {
  await connections?.[Symbol.asyncDispose]();
}
