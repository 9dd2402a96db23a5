import { type KnownProcess, type ProcessDirectory, sleep } from '@im/kit';
import type { Logger } from '@im/process';
import { parseEvent } from './events.ts';
import type { NatsLink } from './nats-link.ts';
import { PROCESS_WHO, processAnswers } from './subjects.ts';
import type { Unsubscribe } from './types.ts';

/** Time in which processes answer. */
const ANSWER_MS = 250;
/** How long a list is used. */
const FRESH_MS = 5_000;
/** Processes that are listed; a cluster has fewer. */
const MAX_PROCESSES = 2_000;
const EMPTY = new Uint8Array();

/** The answer of a process. @throws TypeError for anything else. */
function readAnswer(data: Uint8Array): KnownProcess {
  const text = Buffer.from(data).toString('utf8');
  const { instance, services, ops, status }: Partial<KnownProcess> = JSON.parse(text);
  if (typeof instance !== 'string' || typeof ops !== 'string' || !Array.isArray(services))
    throw new TypeError('the answer names no process');
  const reports = typeof status === 'object' && Array.isArray(status?.roles);
  return { instance, services: services.map(String), ops, ...(reports && { status }) };
}

/** Processes that know each other by asking on NATS. */
export class NatsProcessDirectory implements ProcessDirectory {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #answers: string;
  #listed: Promise<readonly KnownProcess[]> | undefined;
  #listedAt = Number.NEGATIVE_INFINITY;

  constructor(link: NatsLink, log: Logger, instanceId: string) {
    this.#link = link;
    this.#log = log;
    this.#answers = processAnswers(instanceId);
  }

  announce(own: () => KnownProcess): Unsubscribe {
    return this.#link.subscribe(PROCESS_WHO, ({ reply }) => {
      if (reply) this.#link.publish(reply, Buffer.from(JSON.stringify(own())));
    });
  }

  list(): Promise<readonly KnownProcess[]> {
    const now = performance.now();
    if (this.#listed && now - this.#listedAt < FRESH_MS) return this.#listed;
    this.#listedAt = now;
    this.#listed = this.#ask();
    return this.#listed;
  }

  async #ask(): Promise<readonly KnownProcess[]> {
    const found = new Map<string, KnownProcess>();
    const end = this.#link.subscribe(this.#answers, (message) => {
      const process = parseEvent(this.#log, message, () => readAnswer(message.data));
      if (process && found.size < MAX_PROCESSES) found.set(process.instance, process);
    });
    try {
      if (this.#link.publish(PROCESS_WHO, EMPTY, undefined, this.#answers)) await sleep(ANSWER_MS);
    } finally {
      end();
    }
    return [...found.values()].sort((a, b) => (a.ops < b.ops ? -1 : a.ops > b.ops ? 1 : 0));
  }
}
