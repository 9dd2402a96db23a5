import { setTimeout as sleep } from 'node:timers/promises';
import {
  ConnectionLost,
  connectWire,
  loadText,
  parseLoadContent,
  pullRange,
  readPositions,
  type ScannedMessage,
  scanPush,
  sendMessage,
  type Target,
  textMessage,
  type WireConnection,
  WireError,
  type WireOptions,
} from '@im/client';
import { type FactSink, now, SYSTEM_MARK } from '../checker/index.ts';
import { KnownSeqs } from './known-seqs.ts';

/** A user of a load, who reconnects and catches up like an SDK, and records what they see for the checker. */
export interface WireUser {
  readonly device: string;
  readonly counts: WireUserCounts;
  /** Connects and reads the position of every conversation; from then on the device must get every message. */
  start(): Promise<void>;
  /**
   * Sends one message and returns its outcome. With `retries`, an open outcome is sent again
   * under the same ids, as the Go core does.
   */
  send(target: Target, conversation: string, id: string, options?: SendOptions): Promise<Outcome>;
  /**
   * Reads every given conversation to its last seq into the log.
   * @param after seqs after which it begins, by conversation. @default from the first
   */
  pullAll(conversations: readonly string[], after?: ReadonlyMap<string, number>): Promise<void>;
  /** Records the user's position in every conversation. */
  noteReadPositions(): Promise<void>;
  stop(): void;
}

export type Outcome = 'acked' | 'refused' | 'open';

export interface SendOptions {
  /** Length of the text, at least. */
  readonly size?: number;
  readonly retries?: number;
}

export interface WireUserCounts {
  connects: number;
  /** Pushes whose seq was not the next one. */
  gaps: number;
  /** Pushes of what was stored when it connected. */
  overlaps: number;
  kicked: number;
  failedConnects: number;
}

export interface WireUserOptions extends WireOptions {
  readonly facts: FactSink;
  /** Name of the device in the log; one user may have several. */
  readonly device: string;
  /** Put before conversation and user names in the log, to keep tenants apart. */
  readonly scope?: string;
}

/** Error codes that leave the outcome of a message open: it may have been accepted, or may be after a retry. */
const OPEN_CODES = new Set([429, 500, 1601, 90002, 90004]);
const REDIAL_MS = [0, 200, 500, 1_000, 2_000];

export function wireUser(options: WireUserOptions): WireUser {
  const { facts, device, scope = '' } = options;
  const counts: WireUserCounts = { connects: 0, gaps: 0, overlaps: 0, kicked: 0, failedConnects: 0 };
  const known = new KnownSeqs();
  let connection: WireConnection | undefined;
  let held: ScannedMessage[] | undefined;
  let stopped = false;
  let first = true;
  let usable = Promise.withResolvers<void>();

  function note(message: ScannedMessage): void {
    const id = parseLoadContent(message.content)?.id ?? systemID(message);
    facts.add({
      kind: 'got',
      at: now(),
      device,
      conversation: scope + message.conversationID,
      seq: message.seq,
      id,
    });
  }
  function arrive(message: ScannedMessage): void {
    if (message.notification || message.seq === 0) return;
    const arrival = known.arrived(message.conversationID, message.seq);
    if (arrival === 'known') {
      counts.overlaps += 1;
      return;
    }
    if (arrival === 'gap') counts.gaps += 1;
    note(message);
  }
  function onPush(data: Uint8Array): void {
    const messages = scanPush(data);
    if (held) held.push(...messages);
    else for (const message of messages) arrive(message);
  }

  async function connect(): Promise<void> {
    held = [];
    const next = await connectWire(options, {
      push: onPush,
      kicked: () => {
        counts.kicked += 1;
        stopped = true;
      },
      closed: () => {
        connection = undefined;
        usable = Promise.withResolvers<void>();
        usable.promise.catch(() => {});
        if (!stopped) reconnect().catch(() => {});
      },
    });
    try {
      await catchUp(next);
    } catch (error) {
      next.terminate();
      throw error;
    }
    connection = next;
    counts.connects += 1;
    usable.resolve();
  }

  async function catchUp(on: WireConnection): Promise<void> {
    const positions = await readPositions(on);
    const at = now();
    for (const [conversationID, { hasReadSeq, maxSeq }] of Object.entries(positions)) {
      const conversation = scope + conversationID;
      facts.add({
        kind: 'read',
        at,
        user: scope + options.userID,
        conversation,
        hasRead: hasReadSeq,
        max: maxSeq,
      });
      if (!first) {
        const from = known.highest(conversationID) + 1;
        for await (const message of pullRange(on, conversationID, from, maxSeq)) note(message);
      }
      known.synchronized(conversationID, maxSeq);
    }
    if (first) {
      facts.add({ kind: 'up', at: now(), device, user: scope + options.userID, own: 'expected' });
      first = false;
    }
    const waiting = held ?? [];
    held = undefined;
    for (const message of waiting) arrive(message);
  }

  async function reconnect(): Promise<void> {
    for (let attempt = 0; !stopped; attempt++) {
      await sleep(REDIAL_MS[Math.min(attempt, REDIAL_MS.length - 1)] ?? 2_000);
      try {
        await connect();
        return;
      } catch {
        counts.failedConnects += 1;
      }
    }
  }

  async function current(): Promise<WireConnection> {
    while (!connection) await usable.promise;
    return connection;
  }

  return {
    device,
    counts,
    start: connect,
    async send(target, conversation, id, { size = 0, retries = 0 } = {}) {
      const inLog = scope + conversation;
      const sentAt = now();
      facts.add({ kind: 'sent', at: sentAt, device, conversation: inLog, id });
      const bytes = textMessage(options.userID, target, `${device}-${id}`, loadText(id, sentAt, size));
      for (let attempt = 0; ; attempt++) {
        try {
          await sendMessage(await current(), bytes);
          facts.add({ kind: 'acked', at: now(), conversation: inLog, id });
          return 'acked';
        } catch (error) {
          if (error instanceof WireError && !OPEN_CODES.has(error.code)) {
            facts.add({ kind: 'refused', at: now(), conversation: inLog, id, code: error.code });
            return 'refused';
          }
          if (!(error instanceof WireError) && !(error instanceof ConnectionLost)) throw error;
          if (attempt >= retries || stopped) return 'open';
          await sleep(1_000);
        }
      }
    },
    async pullAll(conversations, after = new Map()) {
      const on = await current();
      const positions = await readPositions(on);
      for (const conversationID of conversations) {
        const max = positions[conversationID]?.maxSeq ?? 0;
        const begin = (after.get(conversationID) ?? 0) + 1;
        for await (const message of pullRange(on, conversationID, begin, max)) {
          facts.add({
            kind: 'pulled',
            user: scope + options.userID,
            conversation: scope + conversationID,
            seq: message.seq,
            id: storedID(message),
          });
        }
      }
    },
    async noteReadPositions() {
      const positions = await readPositions(await current());
      for (const [conversationID, { hasReadSeq, maxSeq }] of Object.entries(positions)) {
        facts.add({
          kind: 'read',
          at: now(),
          user: scope + options.userID,
          conversation: scope + conversationID,
          hasRead: hasReadSeq,
          max: maxSeq,
        });
      }
    },
    stop() {
      stopped = true;
      connection?.close();
      connection = undefined;
    },
  };
}

function systemID(message: ScannedMessage): string {
  return `${SYSTEM_MARK}${message.contentType}.${message.clientMsgID}`;
}

/** The id of a pulled message, empty for a placeholder. */
function storedID(message: ScannedMessage): string {
  if (message.clientMsgID === '') return '';
  return parseLoadContent(message.content)?.id ?? systemID(message);
}
