/**
 * What happened, as the clients of a run saw it: the checker's only input. One fact is one line of a
 * log file, a JSON array that begins with the letter of its kind. Times are milliseconds since the
 * epoch with fractions, and comparable within one machine.
 *
 * A message is named by `id`: the load puts it into the content, so that it is the same
 * for sender, receivers and the final pull, regardless of the ids of an SDK. Messages that the load did
 * not send (notifications that show in chats) have an id that begins with {@link SYSTEM_MARK}.
 */
export type Fact =
  | DeviceUp
  | DeviceDown
  | Members
  | Sent
  | Acknowledged
  | Refused
  | Delivered
  | Pulled
  | ReadPosition;

/** From now on the device is promised everything: it is connected, or its SDK reconnects by itself. */
export interface DeviceUp {
  readonly kind: 'up';
  readonly at: number;
  readonly device: string;
  readonly user: string;
  /** What becomes of messages that this very device sent: must come back, must not, or either. */
  readonly own: OwnRule;
}
export type OwnRule = 'expected' | 'forbidden' | 'ignored';

/** From now on nothing is promised to the device. */
export interface DeviceDown {
  readonly kind: 'down';
  readonly at: number;
  readonly device: string;
}

/** From now on these are the users of the conversation. Every conversation needs one before its first message. */
export interface Members {
  readonly kind: 'members';
  /** When the server acknowledged it. */
  readonly at: number;
  /** When it was requested: until `at`, the users affected may be in or out. @default at */
  readonly startedAt?: number;
  readonly conversation: string;
  readonly users: readonly string[];
}

/** The message left the device. */
export interface Sent {
  readonly kind: 'sent';
  readonly at: number;
  readonly device: string;
  readonly conversation: string;
  readonly id: string;
}

/** The server promised the message. */
export interface Acknowledged {
  readonly kind: 'acked';
  readonly at: number;
  readonly conversation: string;
  readonly id: string;
}

/** The server refused the message for good; without this and without an acknowledgement the outcome is open. */
export interface Refused {
  readonly kind: 'refused';
  readonly at: number;
  readonly conversation: string;
  readonly id: string;
  readonly code: number;
}

/** The message reached the device, in the order of these facts within one log file. */
export interface Delivered {
  readonly kind: 'got';
  readonly at: number;
  readonly device: string;
  readonly conversation: string;
  readonly seq: number;
  readonly id: string;
}

/** At the end the user read this seq of the conversation; an empty id is a placeholder without a message. */
export interface Pulled {
  readonly kind: 'pulled';
  readonly user: string;
  readonly conversation: string;
  readonly seq: number;
  readonly id: string;
}

/** The server reported the user's read position and the highest seq of the conversation. */
export interface ReadPosition {
  readonly kind: 'read';
  readonly at: number;
  readonly user: string;
  readonly conversation: string;
  readonly hasRead: number;
  readonly max: number;
}

/** First character of the id of a message that the load did not send. */
export const SYSTEM_MARK = '!';

/** One line of a log, with its line end. */
export function encodeFact(fact: Fact): string {
  return `${JSON.stringify(cells(fact))}\n`;
}

function cells(fact: Fact): unknown[] {
  switch (fact.kind) {
    case 'up':
      return ['u', fact.at, fact.device, fact.user, fact.own];
    case 'down':
      return ['d', fact.at, fact.device];
    case 'members':
      return [
        'm',
        fact.at,
        fact.conversation,
        fact.users,
        ...(fact.startedAt === undefined ? [] : [fact.startedAt]),
      ];
    case 'sent':
      return ['s', fact.at, fact.device, fact.conversation, fact.id];
    case 'acked':
      return ['a', fact.at, fact.conversation, fact.id];
    case 'refused':
      return ['x', fact.at, fact.conversation, fact.id, fact.code];
    case 'got':
      return ['g', fact.at, fact.device, fact.conversation, fact.seq, fact.id];
    case 'pulled':
      return ['p', fact.user, fact.conversation, fact.seq, fact.id];
    case 'read':
      return ['r', fact.at, fact.user, fact.conversation, fact.hasRead, fact.max];
  }
  return fact satisfies never;
}

/** The fact of one line. @throws Error when it is not a line of {@link encodeFact}. */
export function decodeFact(line: string): Fact {
  const c: unknown = JSON.parse(line);
  if (!Array.isArray(c)) throw new Error(`not a fact: ${line.slice(0, 80)}`);
  const text = (i: number): string => {
    const value: unknown = c[i];
    if (typeof value !== 'string') throw new Error(`cell ${i} is not a string: ${line.slice(0, 80)}`);
    return value;
  };
  const num = (i: number): number => {
    const value: unknown = c[i];
    if (typeof value !== 'number') throw new Error(`cell ${i} is not a number: ${line.slice(0, 80)}`);
    return value;
  };
  switch (c[0]) {
    case 'u':
      return { kind: 'up', at: num(1), device: text(2), user: text(3), own: ownRule(text(4)) };
    case 'd':
      return { kind: 'down', at: num(1), device: text(2) };
    case 'm':
      return {
        kind: 'members',
        at: num(1),
        conversation: text(2),
        users: (c[3] as unknown[]).map(String),
        ...(c.length > 4 ? { startedAt: num(4) } : {}),
      };
    case 's':
      return { kind: 'sent', at: num(1), device: text(2), conversation: text(3), id: text(4) };
    case 'a':
      return { kind: 'acked', at: num(1), conversation: text(2), id: text(3) };
    case 'x':
      return { kind: 'refused', at: num(1), conversation: text(2), id: text(3), code: num(4) };
    case 'g':
      return { kind: 'got', at: num(1), device: text(2), conversation: text(3), seq: num(4), id: text(5) };
    case 'p':
      return { kind: 'pulled', user: text(1), conversation: text(2), seq: num(3), id: text(4) };
    case 'r':
      return {
        kind: 'read',
        at: num(1),
        user: text(2),
        conversation: text(3),
        hasRead: num(4),
        max: num(5),
      };
    default:
      throw new Error(`unknown kind of fact: ${line.slice(0, 80)}`);
  }
}

function ownRule(text: string): OwnRule {
  if (text === 'expected' || text === 'forbidden' || text === 'ignored') return text;
  throw new Error(`unknown rule for own messages: ${text}`);
}
