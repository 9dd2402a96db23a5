import { setTimeout as sleep } from 'node:timers/promises';
import { type Admin, ApiError, ConnectionLost, type Endpoint, WireError } from '@im/client';
import type { OwnServer } from '../own-server.ts';

/** What an attacker's process is given. */
export interface AttackContext {
  /** Gateways and API of the tenant that the attack comes from. */
  readonly endpoints: readonly Endpoint[];
  readonly admin: Admin;
  /** Connections of attacks that open many. */
  readonly connections: number;
  /** The NATS server, where the bench started it. */
  readonly nats: string | undefined;
  readonly tally: Tally;
}

/** Attacks until the signal aborts. */
export type RunningAttack = (signal: AbortSignal) => Promise<void>;

/** What an attack may change of a server that the bench started. */
export type AttackedServer = Pick<OwnServer, 'changeTenant' | 'mongoProxy'>;

/** Something that users, connections or tenants do to a server. */
export interface Attack {
  readonly name: string;
  readonly summary: string;
  /** Tenant that it comes from; the innocent pair belongs to `default`. */
  readonly tenant: string;
  /** Why it needs a server that the bench started. */
  readonly ownServerOnly?: string;
  /** One answer at least has to look so, where the attack is none without. */
  readonly evidence?: RegExp;
  /** Registers and connects what it needs, before anything is measured. */
  prepare(context: AttackContext): Promise<RunningAttack>;
  /** Disturbs the server when the attack starts. @returns a function that undoes it. */
  disturb?(server: AttackedServer): () => void;
}

/** What attackers were answered, by error code, HTTP status or end of a connection. */
export class Tally {
  readonly counts = new Map<string, number>();

  add(answer: string): void {
    this.counts.set(answer, (this.counts.get(answer) ?? 0) + 1);
  }
}

/** The answer that an error stands for. */
export function answerOf(error: unknown): string {
  if (error instanceof ApiError || error instanceof WireError) return String(error.code);
  if (error instanceof ConnectionLost) return error.message.replace(/ before.*/, '');
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.message.slice(0, 40) : 'failed';
}

/** Pause after a refusal: attackers share the machine with the server, and refusals are cheap to ask for. */
const AFTER_REFUSAL_MS = 20;

/** Runs `count` loops of `work`; its text, or its error, counts as the response. */
export async function loops(
  count: number,
  signal: AbortSignal,
  tally: Tally,
  work: (loop: number, turn: number) => Promise<string>,
): Promise<void> {
  const loop = async (index: number): Promise<void> => {
    for (let turn = 0; !signal.aborted; turn++) {
      try {
        tally.add(await work(index, turn));
      } catch (error) {
        tally.add(answerOf(error));
        await sleep(AFTER_REFUSAL_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: count }, (_, i) => loop(i)));
}
