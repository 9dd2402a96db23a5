import {
  type CheckOptions,
  createGroup,
  type LoadTarget,
  openWireLoadClients,
  type Verdict,
  type WireUser,
} from '@im/proof';
import { chatConversationID, SESSION } from '@im/protocol';

export interface TrafficOptions {
  /** Begins the names of users and of the log; a shared cluster remembers those of earlier runs. */
  readonly name: string;
  readonly users: number;
  readonly messagesPerSecond: number;
}

/** Checked messages that flow until the test finishes or disposes of them. */
export interface Traffic extends AsyncDisposable {
  readonly devices: readonly WireUser[];
  /** Ends the load, reads every conversation to its end and decides. */
  finish(check?: Partial<CheckOptions>): Promise<Verdict>;
}

const PLATFORM = 5;
const GROUPS = 2;
/** One in this many messages of a user goes to a group. */
const GROUP_EVERY = 5;
const SETTLE_MS = 2_000;

/** Users in a ring, each of whom writes to the next one, and all to groups of all. */
export async function startTraffic(place: LoadTarget, options: TrafficOptions): Promise<Traffic> {
  const { users, messagesPerSecond } = options;
  const name = `${options.name.replaceAll(/\W/g, '_')}_${Date.now().toString(36)}`;
  const names = Array.from({ length: users }, (_, i) => `${name}_${i}`);
  const loadClients = await openWireLoadClients(
    place,
    name,
    names.map((userID) => ({ userID, platformID: PLATFORM })),
  );
  const groups: string[] = [];
  for (let i = 0; i < GROUPS; i++) {
    const group = await createGroup(place.admin, `${name} ${i}`, names);
    loadClients.members(`sg_${group}`, names);
    groups.push(group);
  }
  const nextOf = (i: number) => names[(i + 1) % names.length] as string;
  const chat = (a: string, b: string) =>
    chatConversationID({ sessionType: SESSION.Single, sendID: a, recvID: b, groupID: '' });
  for (const [i, userID] of names.entries())
    loadClients.members(chat(userID, nextOf(i)), [userID, nextOf(i)]);

  const over = new AbortController();
  const perUser = messagesPerSecond / users;
  const toGroups = perUser / GROUP_EVERY;
  const loads = names.flatMap((userID, i) => {
    const [device] = loadClients.of(userID) as [WireUser];
    const next = nextOf(i);
    return [
      ...groups.map((group) =>
        loadClients.openLoop(device, { group }, `sg_${group}`, toGroups / GROUPS, over.signal),
      ),
      loadClients.openLoop(device, { user: next }, chat(userID, next), perUser - toGroups, over.signal),
    ];
  });
  const sending = Promise.all(loads);
  // Awaited at the end; until then a failure must not end the process.
  sending.catch(() => {});
  return {
    devices: loadClients.devices,
    async finish(check) {
      over.abort();
      await sending;
      return await loadClients.finish(SETTLE_MS, check);
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      for (const device of loadClients.devices) device.stop();
    },
  };
}
