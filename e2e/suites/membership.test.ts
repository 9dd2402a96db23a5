import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, startCluster } from '@im/dev-cluster';
import {
  FAULTS,
  now,
  openWireLoadClients,
  type VerdictRow,
  verdictTable,
  type WireLoadClients,
} from '@im/proof';
import { eventually } from './eventually.ts';

const SETTLE_MS = 2_000;
/** Longer than calls wait for the log, so that the relay has to finish every change of that time. */
const AWAY_MS = 12_000;
/** Load before, and after the members are known again. */
const QUIET_MS = 2_000;
/** The relay finishes the open changes of another process after about 15 s. */
const AGREE_MS = 120_000;
const PER_SECOND = 10;

type Call = (route: string, body: unknown, userID?: string) => Promise<unknown>;

/** One group under load, in which some come and go by every route. */
interface Movers {
  readonly groupID: string;
  readonly owner: string;
  /** Runs all routes at once; each answers or fails. @returns the outcomes. */
  move(): Promise<PromiseSettledResult<unknown>[]>;
}

const ROLES = [
  'owner',
  'stays',
  'invited',
  'joins',
  'applies',
  'quits',
  'kicked1',
  'kicked2',
  'back',
] as const;

describe('membership under fire', () => {
  let cluster: Cluster;
  const rows: VerdictRow[] = [];
  before(async () => {
    cluster = await startCluster({ topology: 'many' });
  });
  after(async () => {
    if (rows.length > 0) process.stdout.write(`\n${verdictTable(rows)}\n\n`);
    await cluster?.close();
  });

  const rpcs = () => cluster.processes.filter((each) => each.plan.roles.includes('rpc'));

  function caller(): Call {
    const admin = cluster.admin('default');
    const tokens = new Map<string, string>();
    return async (route, body, userID) => {
      if (userID === undefined) return admin.call(route, body);
      const token = tokens.get(userID) ?? (await admin.userToken(userID, 1));
      tokens.set(userID, token);
      return admin.api.call(route, body, { token, timeoutMs: 30_000 });
    };
  }

  async function membersOf(call: Call, groupID: string): Promise<string[]> {
    const pagination = { pageNumber: 1, showNumber: 100 };
    const answer = await call('/group/get_group_member_list', { groupID, pagination, filter: 0 });
    return ((answer as { members: { userID: string }[] | null }).members ?? [])
      .map(({ userID }) => userID)
      .sort();
  }

  async function makeGroups(
    call: Call,
    name: string,
    known: (groupID: string, users: readonly string[]) => void,
  ): Promise<Movers & { readonly closed: string }> {
    const [owner, stays, invited, joins, applies, quits, kicked1, kicked2, back] = ROLES.map(
      (role) => `${name}_${role}`,
    ) as string[];
    const make = async (memberUserIDs: unknown[], needVerification: number) => {
      const groupInfo = { groupName: name, groupType: 2, needVerification };
      const request = { ownerUserID: owner, memberUserIDs, adminUserIDs: [], groupInfo };
      const answer = await call('/group/create_group', request, owner);
      return (answer as { groupInfo: { groupID: string } }).groupInfo.groupID;
    };
    const groupID = await make([stays, quits, kicked1, kicked2, back], 2);
    known(groupID, await membersOf(call, groupID));
    const closed = await make([stays], 0);
    known(closed, [...(await membersOf(call, closed)), applies ?? '']);
    const reason = { reason: '' };
    await call('/group/kick_group', { groupID, kickedUserIDs: [back], ...reason }, owner);
    await call(
      '/group/join_group',
      { groupID: closed, reqMessage: '', joinSource: 3, inviterUserID: applies },
      applies,
    );
    return {
      groupID,
      closed,
      owner: owner ?? '',
      move: () =>
        Promise.allSettled([
          call('/group/invite_user_to_group', { groupID, invitedUserIDs: [invited, back], ...reason }, owner),
          call('/group/join_group', { groupID, reqMessage: '', joinSource: 3, inviterUserID: joins }, joins),
          call('/group/quit_group', { groupID, userID: quits }, quits),
          call('/group/kick_group', { groupID, kickedUserIDs: [kicked1, kicked2], ...reason }, owner),
          call(
            '/group/group_application_response',
            { groupID: closed, fromUserID: applies, handledMsg: '', handleResult: 1 },
            owner,
          ),
        ]),
    };
  }

  /** Rows, the users' conversations and what they may read say the same of every user. */
  async function untilAllAgree(call: Call, name: string, groupID: string): Promise<void> {
    const conversationID = `sg_${groupID}`;
    await eventually(async () => {
      const members = new Set(await membersOf(call, groupID));
      for (const userID of ROLES.map((role) => `${name}_${role}`)) {
        const request = { ownerUserID: userID, conversationIDs: [conversationID] };
        const answer = await call('/conversation/get_conversations', request);
        const { conversations } = answer as { conversations: { maxSeq?: number }[] | null };
        const [record] = conversations ?? [];
        const opened = record !== undefined && (record.maxSeq ?? 0) === 0;
        assert.equal(opened, members.has(userID), `${userID}: ${JSON.stringify(record)}`);
      }
    }, AGREE_MS);
  }

  async function run(
    name: string,
    fire: (moves: Movers, call: Call) => Promise<PromiseSettledResult<unknown>[]>,
    strict: boolean,
  ): Promise<PromiseSettledResult<unknown>[]> {
    const call = caller();
    const place = {
      endpoints: cluster.gateways.map((_, i) => cluster.endpoint('default', i)),
      admin: cluster.admin('default'),
      dir: cluster.dir,
    };
    const users = ROLES.map((role) => `${name}_${role}`);
    const loadClients: WireLoadClients = await openWireLoadClients(
      place,
      name,
      users.map((userID) => ({ userID, platformID: 5 })),
    );
    const group = await makeGroups(call, name, (groupID, userIDs) =>
      loadClients.members(`sg_${groupID}`, userIDs),
    );
    const conversation = `sg_${group.groupID}`;
    loadClients.members(conversation, await membersOf(call, group.groupID));
    const [owner] = loadClients.of(group.owner);
    assert.ok(owner);
    const end = new AbortController();
    const load = loadClients.openLoop(owner, { group: group.groupID }, conversation, PER_SECOND, end.signal);
    await sleep(QUIET_MS);
    let outcomes: PromiseSettledResult<unknown>[] = [];
    await loadClients.moved(conversation, users.slice(2), async () => {
      outcomes = await fire(group, call);
      // Where a response is missing, the change counts if all users agree.
      if (!strict) await untilAllAgree(call, name, group.groupID);
      return membersOf(call, group.groupID);
    });
    await sleep(QUIET_MS);
    await untilAllAgree(call, name, group.groupID);
    await untilAllAgree(call, name, group.closed).catch(() => undefined);
    await sleep(QUIET_MS);
    end.abort();
    await load;
    const verdict = await loadClients.finish(SETTLE_MS, { limitMs: 60_000, graceMs: 0 });
    rows.push({ name, verdict });
    const texts = verdict.examples.map((e) => `${e.fault} ${e.conversation}: ${e.text}`).join('\n');
    for (const fault of FAULTS) assert.equal(verdict.counts[fault], 0, `${fault}\n${texts}`);
    assert.ok(verdict.acknowledged > 20, `${verdict.acknowledged} acknowledged`);
    return outcomes;
  }

  const failures = (outcomes: PromiseSettledResult<unknown>[]) =>
    outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));

  test('nothing fails', { timeout: 300_000 }, async () => {
    assert.deepEqual(failures(await run('calm', (group) => group.move(), true)), []);
  });

  test('NATS is away for 12 s', { timeout: 300_000 }, async () => {
    const outcomes = await run(
      'away',
      async (group) => {
        const { nats } = cluster.stores;
        await nats.kill('SIGSTOP');
        const from = now();
        const outcome = group.move();
        await sleep(Math.max(0, AWAY_MS - (now() - from)));
        await nats.kill('SIGCONT');
        return outcome;
      },
      false,
    );
    assert.deepEqual(failures(outcomes), [], 'what is committed is answered as done');
  });

  test('every rpc process is killed between the rows and the record', { timeout: 300_000 }, async () => {
    await run(
      'killed',
      async (group) => {
        const { nats } = cluster.stores;
        await nats.kill('SIGSTOP');
        const outcome = group.move();
        // The rows are written in the meantime; the records cannot be.
        await sleep(3_000);
        for (const rpc of rpcs()) await rpc.kill('SIGKILL');
        await nats.kill('SIGCONT');
        for (const rpc of rpcs()) rpc.start();
        for (const rpc of rpcs()) await rpc.untilReady();
        return outcome;
      },
      false,
    );
  });

  test('two processes move the same users', { timeout: 300_000 }, async () => {
    await run(
      'race',
      async ({ groupID, owner }, call) => {
        const moved = ['invited', 'joins', 'kicked1'].map((role) => `race_${role}`);
        const move = async (n: number) => {
          for (let i = 0; i < 10; i++) {
            const some = moved.filter((_, k) => (i + k + n) % 3 !== 0);
            const request =
              (i + n) % 2 === 0
                ? call('/group/invite_user_to_group', { groupID, invitedUserIDs: some, reason: '' }, owner)
                : call('/group/kick_group', { groupID, kickedUserIDs: some, reason: '' }, owner);
            await request.catch(() => undefined);
          }
        };
        await Promise.all([0, 1, 2, 3].map(move));
        return [];
      },
      true,
    );
  });
});
