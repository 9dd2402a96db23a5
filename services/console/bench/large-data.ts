/**
 * What the pages of the console cost with much data: loads each page in a browser, and prints how long it takes until it is
 * complete and what the requests of the page take.
 *
 *     node services/console/bench/large-data.ts [users] [connections] [messages]
 */
import { connectWire, newestSeqs } from '@im/client';
import { tenantSettings } from '@im/contract';
import { encode, make } from '@im/protocol';
import { connectStore, eventually, fillConversation } from '@im/testing';
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
/** Longest wait for what a page shows. */
const SHOWN_WITHIN_MS = 120_000;

const userOf = (n: number) => `user${String(n).padStart(6, '0')}`;

async function step(name: string, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await work();
  console.log(`${name}: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
}

/** Does work for each of the first numbers, some at once. */
async function each(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function fillMessages({ cluster }: Fixture): Promise<void> {
  const { mongo, redis } = cluster.stores;
  const { adminSecret, tokenSecret } = cluster.tenant(TENANT);
  const tenant = tenantSettings({ id: TENANT, adminSecret, tokenSecret });
  await using connected = await connectStore(
    { mongo: mongo.uri, redis: redis.uri, database: DATABASE },
    { tenants: [tenant] },
  );
  const inEach = Math.ceil(messageCount / CONVERSATIONS);
  const start = Date.now() - DAYS * DAY_MS;
  for (let n = 0; n < CONVERSATIONS; n++) {
    const [one, other] = [userOf(2 * n), userOf(2 * n + 1)];
    const rows = Array.from({ length: inEach }, (_, i) => {
      const sendID = i % 2 === 0 ? one : other;
      const sendTime = start + Math.floor((i * DAYS * DAY_MS) / inEach);
      const text = (n * inEach + i) % 50_000 === 7 ? 'the needle' : 'hay hay hay '.repeat(8);
      const content = Buffer.from(JSON.stringify({ content: `${text} ${i}` }));
      const message = make('sdkws.MsgData', {
        ...{
          sendID,
          recvID: sendID === one ? other : one,
          sessionType: 1,
          contentType: 101,
          sendTime,
          content,
        },
        clientMsgID: `c${n}-${i}`,
      });
      return {
        sendID,
        recvID: message.recvID,
        msgData: encode('sdkws.MsgData', message),
        sendTime,
        logTime: sendTime,
      };
    });
    await fillConversation(
      connected.store,
      { tenant: tenant.id, conversationID: `si_${one}_${other}`, after: 0 },
      rows,
    );
  }
}

async function fillGroups({ cluster }: Fixture): Promise<void> {
  await each(GROUPS, async (n) => {
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
  await each(connectionCount, async (n) => {
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
    // A stream ends when its page does.
    if (route === undefined || route === '/live') return;
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
  await shown('first load', calls, async () => {
    await page.goto(`${fixture.root}/console/default/overview`);
    await showPage(visitor, 'overview', SHOWN_WITHIN_MS);
  });
  for (const path of [...PAGES, `users/${userOf(0)}`])
    await shown(path, calls, () => showPage(visitor, path, SHOWN_WITHIN_MS));
  const rows = (least: number) =>
    eventually(async () => {
      const count = await page.locator('tbody tr').count();
      if (count < least) throw new Error(`${count} rows`);
    }, SHOWN_WITHIN_MS);

  await showPage(visitor, 'users');
  await shown('users: a prefix', calls, async () => {
    await page.locator('input[data-search]').fill('user0999');
    await page
      .getByRole('link', { name: 'user099999' })
      .or(page.getByRole('link', { name: 'user099900' }))
      .first()
      .waitFor();
  });
  await shown('users: within a name', calls, async () => {
    await page.locator('input[data-search]').fill('99950');
    await page.getByRole('link', { name: 'user099950' }).first().waitFor({ timeout: SHOWN_WITHIN_MS });
  });
  await showPage(visitor, 'connections');
  await shown('connections: of a user', calls, async () => {
    await page.locator('input[data-search]').fill(userOf(77));
    await eventually(async () => {
      const count = await page.locator('tbody tr').count();
      if (count !== 1) throw new Error(`${count} rows`);
    }, SHOWN_WITHIN_MS);
  });
  const search = async (fields: Readonly<Record<string, string>>) => {
    await showPage(visitor, 'messages');
    for (const [label, value] of Object.entries({ ...fields, Reason: 'a measurement' }))
      await page.getByLabel(label, { exact: false }).first().fill(value);
    await page.getByRole('button', { name: 'Search' }).click();
    await rows(1);
  };
  await shown('messages: of a sender', calls, () => search({ Sender: userOf(6) }));
  await shown('messages: of a conversation', calls, () =>
    search({ Conversation: `si_${userOf(6)}_${userOf(7)}` }),
  );
  if (visitor.faults.length > 0) console.log('faults:', visitor.faults.slice(0, 10));
}

console.log(`${userCount} users, ${connectionCount} connections, ${messageCount} messages`);
await using fixture = await startFixture({
  config: { gateway: { maxConnections: 2 * connectionCount + 100 } },
});
await step('users', () =>
  fixture.cluster.admin(TENANT).ensureUsers(Array.from({ length: userCount }, (_, n) => userOf(n))),
);
await step('groups', () => fillGroups(fixture));
await step('messages', () => fillMessages(fixture));
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
