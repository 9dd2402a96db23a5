import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkLogs, now, openRecorder, type Recorder, SYSTEM_MARK, type Verdict } from '../checker/index.ts';
import type { Cluster } from '../harness/index.ts';
import { messagesOf, SdkError, type SdkHost, type SdkMessage, SdkUser, textOf } from '../sdk/index.ts';
import { loadText, parseLoadText, type Target, type WireUser, wireUser } from '../wire/index.ts';

/** Error codes after which a message may or may not have been accepted. */
const OPEN_CODES = new Set([-1, 500, 1601, 10000, 10001, 90002, 90004]);
/** A send that has no answer by then never gets one: the JS SDK forgets it when its connection breaks. */
const SEND_TIMEOUT_MS = 20_000;
/** Platform of the connections that read everything at the end. */
const READER_PLATFORM = 1;
const LOGGED_IN = 3;
const END_OF_LOGIN = ['OnKickedOffline', 'OnUserTokenInvalid', 'OnUserTokenExpired'];

export interface CrowdOptions {
  readonly cluster: Cluster;
  readonly tenant: string;
  readonly users: number;
  readonly groups: number;
  readonly groupSize: number;
  /** Where the SDK of the nth user runs. */
  host(index: number): SdkHost;
}

/** One run of the load, with what it is held to. */
export interface RunOptions {
  readonly name: string;
  readonly messagesPerSecond: number;
  readonly durationMs: number;
  /** Clients lose their connections: SDKs then also show their own messages when they catch up. */
  readonly cutsConnections: boolean;
  readonly deliverWithinMs: number;
  /** Runs beside the load and returns the outages that it made. */
  disturb?(): Promise<{ from: number; to: number }[]>;
}

export interface RunResult {
  readonly verdict: Verdict;
  /** Users whose SDK waits for ever for an answer that its broken connection owed it. */
  readonly stuck: number;
  readonly loggedOut: readonly string[];
}

interface Member {
  readonly user: SdkUser;
  readonly device: string;
  readonly targets: { readonly target: Target; readonly conversation: string }[];
}

/** SDK users who all know each other, alone and in groups. */
export interface Crowd {
  run(options: RunOptions): Promise<RunResult>;
  close(): Promise<void>;
}

/**
 * Registers and logs in users and makes their groups. Every user writes to every other one and to his
 * groups by turns, so that each conversation stays slow enough for what the JS SDK fetches after a
 * lost connection: the last ten messages of each.
 */
export async function openCrowd(options: CrowdOptions): Promise<Crowd> {
  const { cluster, tenant } = options;
  const admin = cluster.admin(tenant);
  const names = Array.from({ length: options.users }, (_, i) => `crowd${String(i).padStart(2, '0')}`);
  await admin.ensureUsers(names);
  const members: Member[] = [];
  for (const [i, userID] of names.entries()) {
    const port = await options.host(i).open(userID);
    members.push({ user: new SdkUser(userID, port), device: `${userID}/sdk`, targets: [] });
  }
  await Promise.all(
    members.map(async ({ user }, i) => {
      await user.login(cluster.endpoint(tenant, i), await admin.userToken(user.userID, user.platformID));
    }),
  );
  const conversations = new Map<string, string[]>();
  for (const member of members) {
    for (const other of names) {
      if (other === member.user.userID) continue;
      const target = { user: other };
      const conversation = member.user.conversationID(target);
      member.targets.push({ target, conversation });
      conversations.set(conversation, [member.user.userID, other]);
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
      `crowd ${g}`,
      others.map(({ user }) => user.userID),
    );
    const conversation = owner.user.conversationID({ group: groupID });
    for (const member of present) member.targets.push({ target: { group: groupID }, conversation });
    conversations.set(
      conversation,
      present.map(({ user }) => user.userID),
    );
  }
  // The SDKs hear of their groups by notifications.
  await sleep(2_000);

  let runs = 0;
  let facts: Recorder | undefined;
  let prefix = '';
  const idOf = (message: SdkMessage): string => {
    const id = parseLoadText(textOf(message))?.id;
    if (id?.startsWith(prefix)) return id;
    return `${SYSTEM_MARK}${message.contentType}.${message.clientMsgID}`;
  };
  for (const { user, device } of members) {
    user.events.listen((event) => {
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

  async function run(how: RunOptions): Promise<RunResult> {
    runs += 1;
    prefix = `r${runs}-`;
    const file = join(cluster.dir, `run-${runs}.facts`);
    const log = openRecorder(file);
    const start = now();
    const own = how.cutsConnections ? 'ignored' : 'forbidden';
    for (const [conversation, users] of conversations) {
      log.add({ kind: 'members', at: start, conversation, users });
    }
    for (const { user, device } of members) {
      user.events.clear();
      log.add({ kind: 'up', at: start, device, user: user.userID, own });
    }
    facts = log;

    const stuck = new Set<string>();
    const flights: Promise<void>[] = [];
    const disturbance = how.disturb?.() ?? Promise.resolve([]);
    // Awaited after the load; until then a failure must not end the process.
    disturbance.catch(() => {});
    let sent = 0;
    for (;;) {
      const elapsed = now() - start;
      if (elapsed >= how.durationMs) break;
      const due = Math.floor((elapsed / 1000) * how.messagesPerSecond);
      for (; sent < due; sent++) {
        const member = members[sent % members.length];
        if (member && !stuck.has(member.device)) flights.push(sendOne(member, sent, log, stuck));
      }
      await sleep(5);
    }
    const outages = await disturbance;
    await Promise.all(flights);
    await sleep(how.deliverWithinMs / 2);
    await untilQuiet(log, how.deliverWithinMs / 2);
    facts = undefined;

    const loggedOut: string[] = [];
    for (const { user } of members) {
      const ended = END_OF_LOGIN.find((name) => user.events.named(name).length > 0);
      const status = await user.call<number>('getLoginStatus').catch(() => 0);
      if (ended || status !== LOGGED_IN) loggedOut.push(`${user.userID}: ${ended ?? `status ${status}`}`);
    }
    await readAll(log);
    log.close();
    const verdict = await checkLogs([file], { deliverWithinMs: how.deliverWithinMs, outages });
    return { verdict, stuck: stuck.size, loggedOut };
  }

  async function sendOne(member: Member, n: number, log: Recorder, stuck: Set<string>): Promise<void> {
    const turn = Math.floor(n / members.length);
    const choice = member.targets[(turn + (n % members.length)) % member.targets.length];
    if (!choice) return;
    const id = `${prefix}${n}`;
    const { conversation, target } = choice;
    const at = now();
    log.add({ kind: 'sent', at, device: member.device, conversation, id });
    const timeout = new AbortController();
    try {
      await Promise.race([
        member.user.sendText(target, loadText(id, at)),
        sleep(SEND_TIMEOUT_MS, undefined, { signal: timeout.signal }).then(() => {
          stuck.add(member.device);
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
      timeout.abort();
    }
  }

  /** Waits until half a second passes without a delivery, at most `limitMs`. */
  async function untilQuiet(log: Recorder, limitMs: number): Promise<void> {
    let last = now();
    const watch: Recorder = {
      ...log,
      add(fact) {
        last = now();
        log.add(fact);
      },
    };
    facts = watch;
    const deadline = now() + limitMs;
    while (now() - last < 500 && now() < deadline) await sleep(50);
    facts = log;
  }

  async function readAll(log: Recorder): Promise<void> {
    for (const [i, { user }] of members.entries()) {
      const reader: WireUser = wireUser({
        ws: cluster.endpoint(tenant, i).ws,
        userID: user.userID,
        token: await admin.userToken(user.userID, READER_PLATFORM),
        platformID: READER_PLATFORM,
        encoding: i % 2 ? 'gob' : 'json',
        gzip: i % 4 > 1,
        device: `${user.userID}/reader`,
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
        [...conversations]
          .filter(([, users]) => users.includes(user.userID))
          .map(([conversation]) => conversation),
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
