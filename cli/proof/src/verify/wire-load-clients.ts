import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Endpoint, Target } from '@im/client';
import {
  type CheckOptions,
  checkLogs,
  now,
  openRecorder,
  type Recorder,
  untilComplete,
  type Verdict,
} from '../checker/index.ts';
import { type WireUser, wireUser } from './wire-user.ts';

/** A device of a user: each platform once. */
export interface DeviceSpec {
  readonly userID: string;
  readonly platformID: number;
}

/** Load clients that speak the gateway's protocol, and the log of what they saw. */
export interface WireLoadClients {
  readonly devices: readonly WireUser[];
  /** The devices of a user. */
  of(userID: string): readonly WireUser[];
  /** Declares a conversation and its participants, before anything is sent to it. */
  members(conversation: string, users: readonly string[]): void;
  /**
   * Changes who takes part: `change` asks the server for it, and resolves with those who do when it has answered.
   * @param moving may come and go meanwhile, however they were before and are afterwards.
   */
  moved(
    conversation: string,
    moving: readonly string[],
    change: () => Promise<readonly string[]>,
  ): Promise<void>;
  /** Sends one message after the other until `until`; with `retries`, open outcomes are sent again. */
  closedLoop(
    device: WireUser,
    target: Target,
    conversation: string,
    until: number,
    retries?: number,
  ): Promise<void>;
  /** Sends at a fixed rate until `until`, a time or a signal, however long answers take. */
  openLoop(
    device: WireUser,
    target: Target,
    conversation: string,
    perSecond: number,
    until: number | AbortSignal,
  ): Promise<void>;
  /**
   * Waits for what devices are owed, at most `limitMs` (30 s by default), and `settleMs` longer for copies;
   * then reads every conversation as every user of it, and decides.
   */
  finish(settleMs: number, options?: Partial<CheckOptions> & { readonly limitMs?: number }): Promise<Verdict>;
}

const RETRIES = 20;
const LIMIT_MS = 30_000;

/** Where a load clients gathers. */
export interface LoadTarget {
  /** Connections are spread over these by turns. */
  readonly endpoints: readonly Endpoint[];
  readonly admin: Admin;
  /** Folder for the log of facts. */
  readonly dir: string;
}

/** Registers users, and connects their devices to the gateways by turns, in every framing by turns. */
export async function openWireLoadClients(
  { endpoints, admin, dir }: LoadTarget,
  name: string,
  specs: readonly DeviceSpec[],
): Promise<WireLoadClients> {
  await admin.ensureUsers([...new Set(specs.map((spec) => spec.userID))]);
  const file = join(dir, `${name}.facts`);
  const facts: Recorder = openRecorder(file);
  const conversations = new Map<string, readonly string[]>();
  const devices: WireUser[] = [];
  const owners = new Map<string, WireUser[]>();
  for (const [i, { userID, platformID }] of specs.entries()) {
    const endpoint = endpoints[i % endpoints.length];
    if (!endpoint) throw new RangeError('no endpoint');
    const device = wireUser({
      ws: endpoint.ws,
      userID,
      platformID,
      token: await admin.userToken(userID, platformID),
      encoding: i % 2 ? 'gob' : 'json',
      gzip: i % 4 > 1,
      device: `${userID}/${platformID}`,
      facts,
    });
    await device.start();
    devices.push(device);
    owners.set(userID, [...(owners.get(userID) ?? []), device]);
  }
  let sent = 0;
  const nextID = (): string => {
    sent += 1;
    return `${name}-${sent}`;
  };

  return {
    devices,
    of: (userID) => owners.get(userID) ?? [],
    members(conversation, users) {
      conversations.set(conversation, users);
      facts.add({ kind: 'members', at: now(), conversation, users });
    },
    async moved(conversation, moving, change) {
      const startedAt = now();
      const known = conversations.get(conversation) ?? [];
      const staying = known.filter((userID) => !moving.includes(userID));
      // Once out and once in: the membership of those who move is unknown until the change is done.
      facts.add({ kind: 'members', at: startedAt, conversation, users: staying });
      const users = await change();
      const at = now();
      facts.add({ kind: 'members', at, startedAt, conversation, users: [...staying, ...moving] });
      facts.add({ kind: 'members', at, startedAt, conversation, users });
      conversations.set(conversation, [...new Set([...known, ...users])]);
    },
    async closedLoop(device, target, conversation, until, retries = RETRIES) {
      while (now() < until) await device.send(target, conversation, nextID(), { retries });
    },
    async openLoop(device, target, conversation, perSecond, until) {
      const start = now();
      const over = () => (typeof until === 'number' ? now() >= until : until.aborted);
      const flights: Promise<unknown>[] = [];
      for (let n = 0; !over(); ) {
        const due = ((now() - start) / 1000) * perSecond;
        for (; n < due; n++) flights.push(device.send(target, conversation, nextID(), { retries: RETRIES }));
        await sleep(5);
      }
      await Promise.all(flights);
    },
    async finish(settleMs, { limitMs = LIMIT_MS, ...check } = {}) {
      await untilComplete(facts, limitMs);
      await sleep(settleMs);
      for (const [userID, [reader]] of owners) {
        const own = [...conversations].filter(([, users]) => users.includes(userID)).map(([id]) => id);
        await reader?.noteReadPositions();
        await reader?.pullAll(own);
      }
      for (const device of devices) device.stop();
      facts.close();
      return await checkLogs([file], check);
    },
  };
}
