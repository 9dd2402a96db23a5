import type { Target } from '@im/client';
import { chatConversationID, SESSION } from '@im/protocol';

/** Messages from one user to one conversation, each sent after the one before was acknowledged. */
export interface Stream {
  /** Part of the IDs of its messages. */
  readonly name: string;
  readonly sender: string;
  readonly target: Target;
  readonly conversation: string;
}

/** The users of an epoch; the first owns the group of all. Another epoch has others, and so no earlier messages. */
export function usersOf(epoch: string): readonly string[] {
  return Array.from({ length: 6 }, (_, i) => `probe_${epoch}_${i + 1}`);
}

/** Who takes part in each conversation. */
export function membersOf(
  streams: readonly Stream[],
  users: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    streams.map(({ conversation, sender, target }) => [
      conversation,
      target.user === undefined ? users : [sender, target.user].sort(),
    ]),
  );
}

/** Chats of two in both directions, chats in one, and a group with two senders. */
export function streamsOf(users: readonly string[], groupID: string): readonly Stream[] {
  const user = (i: number) => users[i] ?? '';
  const single = (from: number, to: number): Stream => ({
    name: `s${from}${to}`,
    sender: user(from),
    target: { user: user(to) },
    conversation: chatConversationID({
      sessionType: SESSION.Single,
      sendID: user(from),
      recvID: user(to),
      groupID: '',
    }),
  });
  const group = (from: number): Stream => ({
    name: `g${from}`,
    sender: user(from),
    target: { group: groupID },
    conversation: `sg_${groupID}`,
  });
  return [single(0, 1), single(1, 0), single(2, 3), single(4, 5), group(0), group(3)];
}

/** A message of the prober. */
export interface ProbeID {
  readonly epoch: string;
  readonly round: number;
  readonly stream: string;
  /** Place of the message in its stream, from 1. */
  readonly number: number;
}

/** The ID that a message carries. */
export function probeID({ epoch, round, stream, number }: ProbeID): string {
  return `${epoch}.${round}.${stream}.${number}`;
}

/** What an ID says; undefined for one that is none of {@link probeID}. */
export function parseProbeID(id: string): ProbeID | undefined {
  const [, epoch = '', round, stream = '', number] =
    /^([a-z0-9]+)\.(\d+)\.([a-z0-9]+)\.(\d+)$/.exec(id) ?? [];
  return round === undefined ? undefined : { epoch, round: Number(round), stream, number: Number(number) };
}
