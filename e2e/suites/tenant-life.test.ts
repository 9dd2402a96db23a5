import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, connectWire } from '@im/client';
import { type Cluster, startCluster, testTenant } from '@im/dev-cluster';
import { SdkUser, startJsHost } from '@im/dev-sdk';
import { FAULTS, verify } from '@im/proof';
import { ERR } from '@im/protocol';
import { storeTraces } from '@im/testing';
import { eventually } from './eventually.ts';
import { freshText } from './fixture.ts';

/** No other text has it, so that every trace can be found. */
const LEAVING = 'leaving-team';
const STAYING = ['default', 't3'] as const;
const TENANTS = ['default', LEAVING, 't3'] as const;
/** SDKs redial at once or every 5 s, and then synchronize. */
const BACK_MS = 120_000;
const PURGED_MS = 240_000;
const LONG_MS = 900_000;

type Verdict = Awaited<ReturnType<typeof verify>>;

/** Two users of the JS SDK; they are called the same in each tenant. */
interface Team {
  readonly tenant: string;
  readonly ann: SdkUser;
  readonly bob: SdkUser;
}

/** They write to each other, and to their group. */
async function chat({ tenant, ann, bob }: Team, groupID: string, timeoutMs = BACK_MS): Promise<void> {
  for (const target of [{ user: 'bob' }, { group: groupID }]) {
    const text = freshText(`${tenant} says`);
    await ann.sendText(target, text);
    await bob.received(text, { timeoutMs });
  }
  const answer = freshText(`${tenant} answers`);
  await bob.sendText({ user: 'ann' }, answer);
  await ann.received(answer, { timeoutMs });
}

/** Asks for the purge of a tenant until it is done, as the operator does. */
async function purge({ processes }: Cluster, tenant: string): Promise<void> {
  const third = processes.find(({ plan }) => plan.roles.some((role) => role === 'rpc' || role === 'all'));
  assert.ok(third);
  await eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${third.plan.opsPort}/tenants/purge`, {
      method: 'POST',
      headers: { authorization: `Bearer ${third.plan.config.rpc?.key ?? ''}` },
      body: JSON.stringify({ tenant, placement: 'Shared' }),
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    assert.equal(JSON.parse(text).state, 'done', text);
  }, PURGED_MS);
}

test('one of three tenants is suspended, resumed and purged without a trace, and the others lose nothing', {
  timeout: LONG_MS,
}, async (t) => {
  await using stack = new AsyncDisposableStack();
  const tenants = TENANTS.map((id) => testTenant(id));
  const cluster = stack.adopt(await startCluster({ topology: 'many', tenants }), (each) => each.close());
  const sdks = stack.adopt(startJsHost(), (each) => each.close());

  // The others chat the whole time, and everything of it is checked.
  let isOver = false;
  const verdicts = STAYING.map(async (tenant) => {
    const found: Verdict[] = [];
    while (!isOver) {
      const endpoints = cluster.gateways.map((_, i) => cluster.endpoint(tenant, i));
      // Other users each time: the texts of the run before are theirs.
      const load = { users: 4, messagesPerSecond: 10, seconds: 15, name: `checked${found.length}x` };
      found.push(await verify({ endpoints, admin: cluster.admin(tenant), ...load }));
    }
    return found;
  });
  for (const verdict of verdicts) verdict.catch(() => undefined);

  const groups = new Map<string, string>();
  const teams = await Promise.all(
    TENANTS.map(async (tenant): Promise<Team> => {
      const admin = cluster.admin(tenant);
      await admin.ensureUsers(['ann', 'bob']);
      const login = async (userID: string, gateway: number) => {
        const user = new SdkUser(userID, await sdks.open(`${tenant}/${userID}`));
        const token = await admin.userToken(userID, user.platformID);
        await user.login(cluster.endpoint(tenant, gateway), token);
        return user;
      };
      const [ann, bob] = [await login('ann', 0), await login('bob', cluster.gateways.length - 1)];
      groups.set(tenant, (await ann.createGroup('team', ['bob'])).groupID);
      return { tenant, ann, bob };
    }),
  );
  const team = (tenant: string) => teams.find((each) => each.tenant === tenant) as Team;
  const say = (tenant: string) => chat(team(tenant), groups.get(tenant) ?? '');
  await Promise.all(TENANTS.map(say));
  for (const { tenant, ann, bob } of teams) {
    for (const user of [ann, bob]) {
      const seen = JSON.stringify(user.events.all);
      for (const other of TENANTS.filter((each) => each !== tenant))
        assert.ok(
          !seen.includes(`${other} says`) && !seen.includes(`${other} answers`),
          `${tenant} saw ${other}`,
        );
    }
  }
  const { ann, bob } = team(LEAVING);
  const picture = await ann.uploadFile('note.txt', 'text/plain', Buffer.from('note'));
  assert.equal((await fetch(picture)).status, 200);

  // Suspended: connections end, and what asks is told to try later, never that its token is no good.
  const marks = new Map([ann, bob].map((user) => [user, user.events.mark()]));
  const others = teams.filter(({ tenant }) => tenant !== LEAVING).flatMap((each) => [each.ann, each.bob]);
  const othersMarks = new Map(others.map((user) => [user, user.events.mark()]));
  const token = await cluster.admin(LEAVING).userToken('bob', 2);
  cluster.changeTenant(LEAVING, { suspended: true });
  for (const [user, since] of marks)
    await user.events.wait('OnConnectFailed', undefined, { since, timeoutMs: BACK_MS });
  await eventually(() =>
    assert.rejects(
      cluster.admin(LEAVING).userToken('bob', 2),
      (error: unknown) => error instanceof ApiError && error.code === ERR.NetworkError,
    ),
  );
  const { ws } = cluster.endpoint(LEAVING);
  await assert.rejects(connectWire({ ws, userID: 'bob', token, platformID: 2 }));
  await Promise.all(STAYING.map(say));

  // Resumed: the SDKs come back by themselves, with their tokens.
  const suspended = new Map([ann, bob].map((user) => [user, user.events.mark()]));
  cluster.changeTenant(LEAVING, { suspended: false });
  for (const [user, since] of suspended)
    await user.events.wait('OnSyncServerFinish', undefined, { since, timeoutMs: BACK_MS });
  for (const [user, since] of marks)
    for (const name of ['OnKickedOffline', 'OnUserTokenInvalid', 'OnUserTokenExpired'])
      assert.equal(user.events.named(name, since).length, 0, name);
  await say(LEAVING);

  // Removed and purged.
  assert.ok((await storeTraces(cluster.stores, LEAVING)).length > 4);
  cluster.changeTenant(LEAVING, undefined);
  const startedAt = performance.now();
  await purge(cluster, LEAVING);
  const purgedIn = performance.now() - startedAt;
  await Promise.all(STAYING.map(say));
  assert.deepEqual(await storeTraces(cluster.stores, LEAVING), []);
  for (const [user, since] of othersMarks)
    assert.equal(user.events.named('OnConnectFailed', since).length, 0, 'nobody else was cut off');

  isOver = true;
  for (const [i, found] of (await Promise.all(verdicts)).entries()) {
    const sum = (of: (verdict: Verdict) => number) => found.reduce((all, verdict) => all + of(verdict), 0);
    t.diagnostic(
      `${STAYING[i]}: ${sum(({ sent }) => sent)} sent, ${sum(({ acknowledged }) => acknowledged)} acknowledged`,
    );
    for (const fault of FAULTS)
      assert.equal(
        sum(({ counts }) => counts[fault]),
        0,
        `${STAYING[i]}: ${fault}`,
      );
    assert.equal(
      sum(({ acknowledged }) => acknowledged),
      sum(({ sent }) => sent),
    );
  }
  t.diagnostic(`purged in ${Math.round(purgedIn)} ms`);
});
