import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Admin, Endpoint } from '@im/client';
import { chatConversationID, SESSION } from '@im/protocol';
import { now, type Verdict } from '../checker/index.ts';
import { openWireLoadClients } from './wire-load-clients.ts';
import type { WireUser } from './wire-user.ts';

/** What {@link verify} does to a server. */
export interface VerifyOptions {
  /** Where gateways are reached; several spread the load. */
  readonly endpoints: readonly Endpoint[];
  readonly admin: Admin;
  /** Users, at least 3: every neighbouring two chat, and all are in every group. */
  readonly users: number;
  /** Groups; 1 when unset. */
  readonly groups?: number;
  readonly messagesPerSecond: number;
  readonly seconds: number;
  /** Begins the names of the users and of the log; a name that is used again finds its users again. */
  readonly name?: string;
  /** Longest allowed time from acknowledgement to delivery, in ms; unset means any. */
  readonly deliverWithinMs?: number;
  /** Keeps the log of facts in this folder, else it is removed. */
  readonly keepIn?: string;
  /** Called with the current step, for progress output. */
  readonly onPhase?: (text: string) => void;
}

const PLATFORM = 5;
const SETTLE_MS = 3_000;
/** One in this many messages goes to a group, if there is one. */
const GROUP_EVERY = 5;

/**
 * Sends checked messages between users that it registers, and decides whether all that was acknowledged
 * arrived once, in order, everywhere. Leaves its users and messages on the server.
 */
export async function verify(options: VerifyOptions): Promise<Verdict> {
  const { admin, endpoints, name = `verify${Date.now().toString(36)}`, onPhase = () => {} } = options;
  if (options.users < 3) throw new RangeError('verifying needs at least 3 users');
  const dir = options.keepIn ?? mkdtempSync(join(tmpdir(), 'im-verify-'));
  try {
    const userIDs = Array.from({ length: options.users }, (_, i) => `${name}_${i}`);
    const specs = userIDs.map((userID) => ({ userID, platformID: PLATFORM }));
    onPhase(`connecting ${userIDs.length} users`);
    const loadClients = await openWireLoadClients({ endpoints, admin, dir }, name, specs);
    const groups: string[] = [];
    for (let i = 0; i < (options.groups ?? 1); i++) {
      const group = await createGroup(admin, `${name} ${i}`, userIDs);
      loadClients.members(groupConversation(group), userIDs);
      groups.push(group);
    }
    const next = (i: number) => userIDs[(i + 1) % userIDs.length] as string;
    const chat = (a: string, b: string) =>
      chatConversationID({ sessionType: SESSION.Single, sendID: a, recvID: b, groupID: '' });
    for (const [i, userID] of userIDs.entries())
      loadClients.members(chat(userID, next(i)), [userID, next(i)]);

    onPhase(`sending ${options.messagesPerSecond} messages/s for ${options.seconds} s`);
    const until = now() + options.seconds * 1_000;
    const perUser = options.messagesPerSecond / userIDs.length;
    const toGroups = groups.length === 0 ? 0 : perUser / GROUP_EVERY;
    await Promise.all(
      userIDs.flatMap((userID, i) => {
        const [device] = loadClients.of(userID) as [WireUser];
        const toNext = chat(userID, next(i));
        return [
          ...groups.map((group) =>
            loadClients.openLoop(
              device,
              { group },
              groupConversation(group),
              toGroups / groups.length,
              until,
            ),
          ),
          loadClients.openLoop(device, { user: next(i) }, toNext, perUser - toGroups, until),
        ];
      }),
    );
    onPhase('reading every conversation to the end');
    return await loadClients.finish(SETTLE_MS, { deliverWithinMs: options.deliverWithinMs });
  } finally {
    if (options.keepIn === undefined) rmSync(dir, { recursive: true, force: true });
  }
}

function groupConversation(groupID: string): string {
  return `sg_${groupID}`;
}

/** Makes a group of all users, the first its owner. */
export async function createGroup(
  admin: Admin,
  groupName: string,
  userIDs: readonly string[],
): Promise<string> {
  const [ownerUserID, ...memberUserIDs] = userIDs;
  const { groupInfo } = await admin.call<{ groupInfo: { groupID: string } }>('/group/create_group', {
    ownerUserID,
    memberUserIDs,
    adminUserIDs: [],
    groupInfo: { groupName, groupType: 2 },
  });
  return groupInfo.groupID;
}
