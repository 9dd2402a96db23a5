import type { log } from '@im/protocol';
import type { Connection, HeldPush } from '../connection/connection.ts';

/**
 * Time between the answer to a send and the push of the same message on the same connection: a
 * client that gets both in one read suppresses its own message too late.
 */
const GAP_MS = 10;
/** More of one connection than this do not wait: then the order is kept, and the gap is not. */
const MAX_HELD = 1_000;
const MAX_HELD_BYTES = 4_194_304;

/**
 * Keeps a sender's own push behind the answer to the send, by a gap, and later pushes of that
 * conversation behind it. Other conversations and other connections of the sender don't wait.
 */
export class OwnPushes {
  readonly #waiting = new Set<Connection>();
  readonly #bounded: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param bounded called each time that too many wait on one connection. */
  constructor(bounded: () => void = () => {}) {
    this.#bounded = bounded;
  }

  /** Writes a push to a connection now or when its time has come. */
  offer(connection: Connection, delivery: log.Delivery, frame: Buffer): void {
    const { conversationID } = delivery;
    const now = performance.now();
    const notBefore = delivery.connID === connection.id ? earliest(connection, delivery) : 0;
    const behind = connection.held?.some((held) => held.conversationID === conversationID) ?? false;
    if (!behind && notBefore <= now) {
      connection.push(frame);
      return;
    }
    connection.held ??= [];
    connection.held.push({ conversationID, frame, notBefore });
    connection.heldBytes += frame.length;
    if (connection.held.length > MAX_HELD || connection.heldBytes > MAX_HELD_BYTES) {
      this.#bounded();
      for (const held of connection.held) held.notBefore = 0;
      release(connection, now);
      return;
    }
    if (notBefore !== Number.POSITIVE_INFINITY) this.#wait(connection);
  }

  /** The answer to the connection's send has just been written. */
  answered(connection: Connection): void {
    connection.sending = undefined;
    connection.sendAnswered = performance.now();
    if (!connection.held) return;
    for (const held of connection.held) {
      if (held.notBefore === Number.POSITIVE_INFINITY) held.notBefore = connection.sendAnswered + GAP_MS;
    }
    this.#wait(connection);
  }

  /** Forgets all that waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #wait(connection: Connection): void {
    this.#waiting.add(connection);
    this.#timer ??= setTimeout(this.#run, GAP_MS);
  }

  readonly #run = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const connection of this.#waiting) {
      const earliest = release(connection, now);
      if (earliest === Number.POSITIVE_INFINITY) this.#waiting.delete(connection);
      else next = Math.min(next, earliest);
    }
    if (this.#waiting.size > 0) this.#timer = setTimeout(this.#run, Math.max(1, next - now));
  };
}

/** When the push of the connection's own send may be written. */
function earliest(connection: Connection, delivery: log.Delivery): number {
  if (connection.sending !== undefined && connection.sending === delivery.operationID) {
    return Number.POSITIVE_INFINITY;
  }
  return connection.sendAnswered + GAP_MS;
}

/** Writes what is due, in order per conversation. @returns when the next one is due; infinite when none has a time. */
function release(connection: Connection, now: number): number {
  const { held } = connection;
  if (!held) return Number.POSITIVE_INFINITY;
  let next = Number.POSITIVE_INFINITY;
  const blocked = new Set<string>();
  const rest: HeldPush[] = [];
  for (const push of held) {
    if (push.notBefore <= now && !blocked.has(push.conversationID)) {
      connection.heldBytes -= push.frame.length;
      connection.push(push.frame);
      continue;
    }
    // A push that only waits behind another one has no separate time.
    if (!blocked.has(push.conversationID)) next = Math.min(next, push.notBefore);
    blocked.add(push.conversationID);
    rest.push(push);
  }
  // Too slow a client is closed meanwhile.
  connection.held = rest.length > 0 && connection.open ? rest : undefined;
  return connection.held ? next : Number.POSITIVE_INFINITY;
}
