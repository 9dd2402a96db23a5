import { setTimeout as sleep } from 'node:timers/promises';
import { connectWire, pullAnswers, readPositions, type WireConnection, type WireOptions } from '@im/client';
import { onAbort } from '@im/kit';
import { decode, MSG_STATUS, type sdkws } from '@im/protocol';
import { CommandError, EXIT } from '../exit-codes.ts';
import { isPassing, redialDelayMs } from '../redial.ts';

/** Callbacks of {@link receive}. */
export interface ReceiveHandlers {
  /** A message, in the order of its conversation. */
  onMessage(conversationID: string, message: sdkws.MsgData): void;
  /** The user is online: messages sent from now on arrive. */
  onConnected(): void;
  onLost(): void;
}

/** How {@link receive} works. */
export interface ReceiveOptions {
  readonly signal: AbortSignal;
  /** Also hands over notifications, which are not read again after a reconnect. */
  readonly notifications: boolean;
}

/** Messages per request when catching up. */
const PULL_STEP = 50;

/**
 * Receives as a user until `signal` aborts. A lost connection is made again, and what came meanwhile
 * is read from where the connection was lost.
 * @throws when the first connection fails, when the server refuses the login, or when another login ends this one.
 */
export async function receive(
  login: WireOptions,
  handlers: ReceiveHandlers,
  options: ReceiveOptions,
): Promise<void> {
  const { signal } = options;
  const seen = new Map<string, number>();
  for (let attempt = 0, first = true; !signal.aborted; ) {
    try {
      await oneConnection(login, handlers, options, seen, first);
      first = false;
      attempt = 0;
      if (!signal.aborted) handlers.onLost();
    } catch (error) {
      if (signal.aborted) return;
      if (first || !isPassing(error)) throw error;
    }
    await sleep(redialDelayMs(attempt++), undefined, { signal }).catch(() => {});
  }
}

/** Connects, catches up, and stays until the connection ends or `signal` aborts. */
async function oneConnection(
  login: WireOptions,
  handlers: ReceiveHandlers,
  { signal, notifications }: ReceiveOptions,
  seen: Map<string, number>,
  first: boolean,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  let held: sdkws.PushMessages[] | undefined = [];

  function take(conversationID: string, message: sdkws.MsgData): void {
    if (message.seq !== 0) {
      if (message.seq <= (seen.get(conversationID) ?? 0)) return;
      seen.set(conversationID, message.seq);
    }
    handlers.onMessage(conversationID, message);
  }
  function takePush(push: sdkws.PushMessages): void {
    for (const [id, list] of Object.entries(push.msgs)) for (const each of list.Msgs) take(id, each);
    if (!notifications) return;
    for (const [id, list] of Object.entries(push.notificationMsgs)) {
      for (const each of list.Msgs) handlers.onMessage(id, each);
    }
  }

  const connection = await connectWire(login, {
    push(data) {
      const push = decode('sdkws.PushMessages', data);
      if (held === undefined) takePush(push);
      else held.push(push);
    },
    kicked: () =>
      ended.reject(
        new CommandError(
          EXIT.refused,
          'another login of this user ended this one; choose another --platform to keep both',
        ),
      ),
    closed: () => ended.resolve(),
  });
  using _ = onAbort(signal, () => connection.close());
  try {
    // A kick while catching up is reported by the wait below.
    ended.promise.catch(() => {});
    for (const [conversationID, { maxSeq }] of Object.entries(await readPositions(connection))) {
      const from = (seen.get(conversationID) ?? 0) + 1;
      if (!first) {
        for await (const message of pull(connection, conversationID, from, maxSeq)) {
          take(conversationID, message);
        }
      }
      seen.set(conversationID, Math.max(seen.get(conversationID) ?? 0, maxSeq));
    }
    handlers.onConnected();
    for (const push of held) takePush(push);
    held = undefined;
    if (signal.aborted) return;
    await ended.promise;
  } finally {
    connection.close();
  }
}

/** The messages of a conversation from `begin` to `end`, both included, without those deleted. */
async function* pull(
  connection: WireConnection,
  conversationID: string,
  begin: number,
  end: number,
): AsyncGenerator<sdkws.MsgData> {
  for await (const answer of pullAnswers(connection, conversationID, begin, end, PULL_STEP)) {
    const { msgs } = decode('sdkws.PullMessageBySeqsResp', answer);
    for (const message of msgs[conversationID]?.Msgs ?? []) {
      if (message.status !== MSG_STATUS.Deleted) yield message;
    }
  }
}
