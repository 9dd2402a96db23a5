import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadText, parseLoadText, type Target } from '@im/client';
import type { TestServer } from '@im/dev-cluster';
import { messagesOf, SdkError, type SdkHost, type SdkMessage, SdkUser, textOf } from '@im/dev-sdk';
import {
  checkLogs,
  now,
  openRecorder,
  type Recorder,
  SYSTEM_MARK,
  untilComplete,
  type Verdict,
  type WireUser,
  wireUser,
} from '@im/proof';

/** Error codes after which a message may or may not have been accepted. */
const OPEN_CODES = new Set([-1, 500, 1601, 10000, 10001, 90002, 90004]);
/**
 * A send that has no answer by then never gets one: the JS SDK forgets it when its connection breaks. Sends
 * of one connection are answered one after the other, so on a busy machine they may queue for long.
 */
const SEND_TIMEOUT_MS = 120_000;
/** Wait before checking for missing messages, and again after none is, for duplicates. */
const SETTLE_MS = 750;
/** Platform of the connections that read everything at the end. */
const READER_PLATFORM = 1;
const LOGGED_IN = 3;
const END_OF_LOGIN = ['OnKickedOffline', 'OnUserTokenInvalid', 'OnUserTokenExpired'];

export interface SdkLoadOptions {
  readonly cluster: TestServer;
  readonly tenant: string;
  readonly users: number;
  readonly groups: number;
  readonly groupSize: number;
  /** Where the SDK of the nth user runs. */
  host(index: number): SdkHost;
}

/** One run of the load, with its requirements. */
export interface RunOptions {
  readonly name: string;
  readonly messagesPerSecond: number;
  readonly durationMs: number;
  /** Gateway whose clients lose their connections; their SDKs also show own messages when they catch up. */
  readonly cutGateway?: number;
  readonly deliverWithinMs: number;
  /**
   * Runs during the load and returns the outages that it made.
   * @param quiet stops the senders on the gateway to be cut and waits for their answers: the JS SDK
   * never settles a send that its broken connection took, and sends nothing after it. They go on when
   * their SDK is back.
   */
  disturb?(quiet: () => Promise<void>): Promise<{ from: number; to: number }[]>;
}

export interface RunResult {
  readonly verdict: Verdict;
  /** Users whose SDK waits forever for a response lost with its connection. */
  readonly stuck: number;
  readonly loggedOut: readonly string[];
}

interface Member {
  readonly name: string;
  readonly device: string;
  /** Index among the gateways. */
  readonly gateway: number;
  user: SdkUser;
  turns: number;
  inFlight: number;
  quiet: boolean;
  readonly chats: Address[];
  readonly groups: Address[];
}

interface Address {
  readonly target: Target;
  readonly conversation: string;
}

/** One in this many messages of a user goes to a group. */
const GROUP_EVERY = 10;

/** SDK users who all write to each other, in single chats and in groups. */
export interface SdkLoadClients {
  run(options: RunOptions): Promise<RunResult>;
  close(): Promise<void>;
}

/**
 * Registers and logs in users and makes their groups. Every user writes to every other one and to their
 * groups by turns, so that each conversation stays slow enough for what the JS SDK fetches after a
 * lost connection: the last ten messages of each.
 */
export async function openSdkLoadClients(options: SdkLoadOptions): Promise<SdkLoadClients> {
  const { cluster, tenant } = options;
  const admin = cluster.admin(tenant);
  const names = Array.from({ length: options.users }, (_, i) => `load${String(i).padStart(2, '0')}`);
  await admin.ensureUsers(names);
  const members: Member[] = await Promise.all(
    names.map(async (name, i): Promise<Member> => {
      const gateway = i % cluster.gateways.length;
      const user = await login(name, i);
      const counts = { turns: 0, inFlight: 0, quiet: false };
      return { name, device: `${name}/sdk`, gateway, user, ...counts, chats: [], groups: [] };
    }),
  );

  async function login(name: string, index: number): Promise<SdkUser> {
    const host = options.host(index);
    return await host.inTurn(async () => {
      const user = new SdkUser(name, await host.open(name));
      await user.login(cluster.endpoint(tenant, index), await admin.userToken(name, user.platformID));
      return user;
    });
  }
  const conversations = new Map<string, string[]>();
  for (const member of members) {
    for (const other of names) {
      if (other === member.name) continue;
      const target = { user: other };
      const conversation = member.user.conversationID(target);
      member.chats.push({ target, conversation });
      conversations.set(conversation, [member.name, other]);
    }
  }
  for (let g = 0; g < options.groups; g++) {
    const inGroup = Array.from(
      { length: options.groupSize },
      (_, i) => members[(g + i * 3) % members.length],
    );
    const present = [...new Set(inGroup)].filter((each): each is Member => each !== undefined);
    const [owner, ...others] = present;
    if (!owner) continue;
    const { groupID } = await owner.user.createGroup(
      `load ${g}`,
      others.map(({ name }) => name),
    );
    const conversation = owner.user.conversationID({ group: groupID });
    for (const member of present) member.groups.push({ target: { group: groupID }, conversation });
    conversations.set(
      conversation,
      present.map(({ name }) => name),
    );
  }
  // The SDKs learn of their groups by notifications, and look up receivers by HTTP before the first message.
  await sleep(2_000);
  await Promise.all(
    members.map(async ({ user, chats, groups }) => {
      for (const { target } of [...chats, ...groups]) await user.conversation(target);
    }),
  );

  let runs = 0;
  let turn = 0;
  let facts: Recorder | undefined;
  let prefix = '';
  const idOf = (message: SdkMessage): string => {
    const id = parseLoadText(textOf(message))?.id;
    if (id?.startsWith(prefix)) return id;
    return `${SYSTEM_MARK}${message.contentType}.${message.clientMsgID}`;
  };
  function listenTo(member: Member): void {
    const { user, device } = member;
    user.events.listen((event) => {
      if (member.user !== user) return;
      if (event.event === 'OnSyncServerFinish') member.quiet = false;
      if (event.event !== 'OnRecvNewMessages' && event.event !== 'OnRecvNewMessage') return;
      for (const message of messagesOf(event)) {
        const target = message.groupID
          ? { group: message.groupID }
          : { user: message.sendID === user.userID ? message.recvID : message.sendID };
        facts?.add({
          kind: 'got',
          at: event.at,
          device,
          conversation: user.conversationID(target),
          seq: message.seq,
          id: idOf(message),
        });
      }
    });
  }
  members.forEach(listenTo);

  async function run(how: RunOptions): Promise<RunResult> {
    runs += 1;
    prefix = `r${runs}-`;
    const file = join(cluster.dir, `run-${runs}.facts`);
    const log = openRecorder(file);
    const start = now();
    for (const [conversation, users] of conversations) {
      log.add({ kind: 'members', at: start, conversation, users });
    }
    for (const { user, name, device, gateway } of members) {
      user.events.clear();
      const own = gateway === how.cutGateway ? 'ignored' : 'forbidden';
      log.add({ kind: 'up', at: start, device, user: name, own });
    }
    facts = log;

    const stuck = new Set<Member>();
    const quiet = async () => {
      const cut = members.filter(({ gateway }) => gateway === how.cutGateway);
      for (const member of cut) member.quiet = true;
      const deadline = now() + SEND_TIMEOUT_MS;
      while (cut.some(({ inFlight }) => inFlight > 0) && now() < deadline) await sleep(10);
    };
    const flights: Promise<void>[] = [];
    const disturbance = how.disturb?.(quiet) ?? Promise.resolve([]);
    let disturbed = false;
    const onEnd = () => {
      disturbed = true;
    };
    // Awaited after the load; until then a failure must not end the process.
    disturbance.then(onEnd, onEnd);
    let sent = 0;
    for (;;) {
      const elapsed = now() - start;
      // On a slow machine the disturbance ends late, and it is to happen under load.
      if (elapsed >= how.durationMs && disturbed) break;
      const due = Math.floor((elapsed / 1000) * how.messagesPerSecond);
      for (; sent < due; sent++) {
        const member = nextSender(stuck);
        if (member) flights.push(sendOne(member, sent, log, stuck));
      }
      await sleep(5);
    }
    const outages = await disturbance;
    await Promise.all(flights);
    await sleep(SETTLE_MS);
    await untilComplete(log, how.deliverWithinMs);
    await sleep(SETTLE_MS);
    facts = undefined;

    const loggedOut: string[] = [];
    for (const { user, name } of members) {
      const ended = END_OF_LOGIN.find((name) => user.events.named(name).length > 0);
      const status = await user.call<number>('getLoginStatus').catch(() => 0);
      if (ended || status !== LOGGED_IN) loggedOut.push(`${name}: ${ended ?? `status ${status}`}`);
    }
    await readAll(log);
    log.close();
    for (const member of stuck) await replace(member);
    const verdict = await checkLogs([file], { deliverWithinMs: how.deliverWithinMs, outages });
    return { verdict, stuck: stuck.size, loggedOut };
  }

  /** The next member that can send, by turns. */
  function nextSender(stuck: ReadonlySet<Member>): Member | undefined {
    for (let tries = 0; tries < members.length; tries++) {
      const member = members[turn++ % members.length];
      if (member && !member.quiet && !stuck.has(member)) return member;
    }
    return undefined;
  }

  /** The users that a member writes to, by turns, and now and then a group. */
  function nextAddress(member: Member): Address | undefined {
    const turn = members.indexOf(member) + member.turns++;
    const list = turn % GROUP_EVERY === 0 ? member.groups : member.chats;
    const round = turn % GROUP_EVERY === 0 ? turn / GROUP_EVERY : turn;
    return list[round % list.length];
  }

  /** Gives a member a new SDK instead of one that will never send again. */
  async function replace(member: Member): Promise<void> {
    const old = member.user;
    member.user = await login(member.name, members.indexOf(member));
    listenTo(member);
    await old.logout().catch(() => {});
    await old.close();
  }

  async function sendOne(member: Member, n: number, log: Recorder, stuck: Set<Member>): Promise<void> {
    const choice = nextAddress(member);
    if (!choice) return;
    const id = `${prefix}${n}`;
    const { conversation, target } = choice;
    const at = now();
    log.add({ kind: 'sent', at, device: member.device, conversation, id });
    const timeout = new AbortController();
    member.inFlight += 1;
    try {
      await Promise.race([
        member.user.sendText(target, loadText(id, at)),
        sleep(SEND_TIMEOUT_MS, undefined, { signal: timeout.signal }).then(() => {
          stuck.add(member);
          throw new SdkError('sendMessage', -1, 'no answer');
        }),
      ]);
      log.add({ kind: 'acked', at: now(), conversation, id });
    } catch (error) {
      if (!(error instanceof SdkError)) throw error;
      if (!OPEN_CODES.has(error.code)) {
        log.add({ kind: 'refused', at: now(), conversation, id, code: error.code });
      }
    } finally {
      member.inFlight -= 1;
      timeout.abort();
    }
  }

  async function readAll(log: Recorder): Promise<void> {
    for (const [i, { name }] of members.entries()) {
      const reader: WireUser = wireUser({
        ws: cluster.endpoint(tenant, i).ws,
        userID: name,
        token: await admin.userToken(name, READER_PLATFORM),
        platformID: READER_PLATFORM,
        encoding: i % 2 ? 'gob' : 'json',
        gzip: i % 4 > 1,
        device: `${name}/reader`,
        facts: {
          add: (fact) => {
            if (fact.kind === 'pulled') {
              const foreign =
                fact.id !== '' && !fact.id.startsWith(prefix) && !fact.id.startsWith(SYSTEM_MARK);
              log.add(foreign ? { ...fact, id: `${SYSTEM_MARK}${fact.id}` } : fact);
            }
          },
        },
      });
      await reader.start();
      await reader.pullAll(
        [...conversations].filter(([, users]) => users.includes(name)).map(([conversation]) => conversation),
      );
      reader.stop();
    }
  }

  return {
    run,
    async close() {
      await Promise.allSettled(members.map(({ user }) => user.close()));
    },
  };
}
