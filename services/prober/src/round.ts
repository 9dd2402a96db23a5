import { sleep, unlessAborted } from '@im/kit';
import { type Fact, now } from '@im/proof';
import type { Devices } from './devices.ts';
import { isIncomplete } from './judge.ts';
import { membersOf, probeID, type Stream } from './streams.ts';

/** Facts of the present round; devices record into it. */
export class RoundLog {
  #facts: Fact[] = [];
  #pulled: Extract<Fact, { kind: 'pulled' }>[] = [];

  /** Facts without those of pulls. */
  get facts(): readonly Fact[] {
    return this.#facts;
  }

  /** What users read since {@link beginPull}. */
  get pulled(): readonly Extract<Fact, { kind: 'pulled' }>[] {
    return this.#pulled;
  }

  add(fact: Fact): void {
    if (fact.kind === 'pulled') this.#pulled.push(fact);
    else this.#facts.push(fact);
  }

  /** Drops everything, for the next round. */
  begin(facts: readonly Fact[]): void {
    this.#facts = [...facts];
    this.#pulled = [];
  }

  beginPull(): void {
    this.#pulled = [];
  }
}

/** What a round needs. */
export interface RoundInput {
  readonly epoch: string;
  readonly number: number;
  readonly users: readonly string[];
  readonly streams: readonly Stream[];
  readonly devices: Devices;
  readonly log: RoundLog;
  readonly messagesPerSecond: number;
  readonly roundMs: number;
  /** Judged seqs, by conversation. */
  readonly judged: ReadonlyMap<string, number>;
  /** Called about once a second with what is acknowledged, by stream. */
  readonly save: (acknowledged: Readonly<Record<string, number>>) => Promise<void>;
  /** Called with what is waited for, undefined when nothing is. */
  readonly onWaiting: (why: string | undefined) => void;
}

/** Time between two saves of what is acknowledged, ms. */
const SAVE_MS = 1_000;
/** Time after which sends that have no outcome are left open, ms. */
const SEND_LIMIT_MS = 600_000;
/** Time for an acknowledged message to be stored until it counts as lost, ms. */
const STORE_LIMIT_MS = 300_000;
/** Time for a stored message to reach a connected device until it counts as lost, ms. */
const ARRIVE_LIMIT_MS = 30_000;
const POLL_MS = 250;
/** Time for the outcomes of messages on their way when the process stops, ms. */
const LAST_MS = 3_000;
/** Times that an open outcome is sent again. */
const RETRIES = 300;

/**
 * Sends the messages of a round, waits for what is owed, and reads the conversations. @returns when sending ended, ms since
 * the epoch. @throws when aborted, or when the round could not be ended: it is judged as an interrupted one then. Aborted, it
 * sends no more, and saves the acknowledgements of what is on its way, so that the next prober knows all of them.
 */
export async function playRound(input: RoundInput, signal: AbortSignal): Promise<number> {
  const { devices, log, streams, users, roundMs, onWaiting } = input;
  log.begin(devices.up());
  for (const [conversation, members] of membersOf(streams, users)) {
    log.add({ kind: 'members', at: now(), conversation, users: members });
  }
  const endAt = now() + roundMs;
  const acknowledged: Record<string, number> = {};
  let sending = true;
  const sends = Promise.all(streams.map((stream, i) => play(input, stream, i, endAt, acknowledged, signal)));
  const saves = (async () => {
    let saved = '';
    while (sending) {
      await sleep(SAVE_MS, signal);
      const text = JSON.stringify(acknowledged);
      if (text !== saved) await input.save({ ...acknowledged });
      saved = text;
    }
  })();
  const limit = AbortSignal.timeout(roundMs + SEND_LIMIT_MS);
  const slow = setTimeout(() => onWaiting('acknowledgements'), roundMs + ARRIVE_LIMIT_MS);
  try {
    await unlessAborted(Promise.race([sends, saves.then(() => sends)]), AbortSignal.any([signal, limit]));
    sending = false;
    clearTimeout(slow);
    await saves;
    const until = now();
    await settle(input, until, signal);
    onWaiting(undefined);
    return until;
  } catch (error) {
    if (signal.aborted) {
      const last = AbortSignal.timeout(LAST_MS);
      await unlessAborted(Promise.allSettled([sends, saves]), last).catch(() => {});
      await unlessAborted(input.save({ ...acknowledged }), last).catch(() => {});
    }
    throw error;
  } finally {
    sending = false;
    clearTimeout(slow);
  }
}

/** Sends the messages of one stream, each after the one before was acknowledged. */
async function play(
  { epoch, number: round, devices, streams, messagesPerSecond }: RoundInput,
  { name, sender, target, conversation }: Stream,
  turn: number,
  endAt: number,
  acknowledged: Record<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const everyMs = (1_000 * streams.length) / messagesPerSecond;
  let dueAt = now() + (turn * everyMs) / streams.length;
  for (let number = 1; dueAt < endAt; number++) {
    await sleep(Math.max(0, dueAt - now()), signal).catch(() => {});
    if (signal.aborted) return;
    const id = probeID({ epoch, round, stream: name, number });
    const outcome = await devices.of(sender).send(target, conversation, id, { retries: RETRIES });
    // What follows would say that it was acknowledged.
    if (outcome !== 'acked') return;
    acknowledged[name] = number;
    dueAt = Math.max(dueAt + everyMs, now());
  }
}

/** Waits for what is owed: all arrivals, or at least the certainty that a message is stored and does not arrive. */
async function settle(input: RoundInput, since: number, signal: AbortSignal): Promise<void> {
  const { log, onWaiting } = input;
  let storedAt: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    const complete = !isIncomplete(log.facts);
    if (complete || now() - since > POLL_MS * 4) {
      await pull(input, signal);
      storedAt ??= isStored(log) ? now() : undefined;
      if (complete && storedAt !== undefined) return;
      if (storedAt !== undefined && now() - storedAt > ARRIVE_LIMIT_MS) return;
      if (now() - since > STORE_LIMIT_MS) return;
      onWaiting(storedAt === undefined ? 'messages to be stored' : 'messages to arrive');
      await sleep(4 * POLL_MS, signal);
    }
    await sleep(POLL_MS, signal);
  }
}

function isStored({ facts, pulled }: RoundLog): boolean {
  const stored = new Set(pulled.map(({ id }) => id));
  return facts.every((fact) => fact.kind !== 'acked' || stored.has(fact.id));
}

/** Reads what is stored after the judged seqs, as every user. */
export async function pull(
  {
    log,
    devices,
    streams,
    users,
    judged,
  }: Pick<RoundInput, 'log' | 'devices' | 'streams' | 'users' | 'judged'>,
  signal: AbortSignal,
): Promise<void> {
  const members = [...membersOf(streams, users)];
  log.beginPull();
  for (const user of users) {
    const own = members.flatMap(([conversation, each]) => (each.includes(user) ? [conversation] : []));
    await unlessAborted(devices.of(user).pullAll(own, judged), signal);
  }
}
