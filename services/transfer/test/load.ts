import assert from 'node:assert/strict';
import { sleep } from '@im/kit';
import { conversationSeqs, type Store, seqUsers } from '@im/store';
import { append, eventually, listen, rowsOf, TENANT, type TestProcess, textRecord } from './harness.ts';

/** What a load looks like. */
export interface LoadOptions {
  /** Part of every user's name, so that tests that share a log do not meet. */
  readonly name: string;
  readonly pairs?: number;
  /** Between two messages, ms. */
  readonly everyMs?: number;
}

/** Messages between pairs of users at a steady rate, with retries of some, and a gateway that listens. */
export class Load {
  readonly #gateway: TestProcess;
  readonly #options: Required<LoadOptions>;
  readonly #listener: ReturnType<typeof listen>;
  readonly #sent: string[][];
  #total = 0;
  #running: Promise<void> | undefined;
  #ending = false;

  constructor(gateway: TestProcess, options: LoadOptions) {
    this.#gateway = gateway;
    this.#options = { pairs: 4, everyMs: 4, ...options };
    const { pairs } = this.#options;
    this.#sent = Array.from({ length: pairs }, () => []);
    const users = Array.from({ length: pairs }, (_, pair) => this.#users(pair)).flat();
    this.#listener = listen(gateway.bus, users);
  }

  /** Deliveries so far. */
  get delivered(): number {
    return this.#listener.got.length;
  }

  /** Messages acknowledged so far. */
  get acknowledged(): number {
    return this.#total;
  }

  /** Starts sending; one message at a time for each pair, so that their order is known. */
  async start(): Promise<void> {
    await this.#listener.feed.barrier();
    const { pairs } = this.#options;
    this.#running = Promise.all(Array.from({ length: pairs }, (_, pair) => this.#send(pair))).then(
      () => undefined,
    );
  }

  /** Stops sending and resolves when everything sent is acknowledged. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#running;
  }

  /** Checks rows, truth, read positions and deliveries of everything that was acknowledged. */
  async verify(store: Store): Promise<void> {
    const { got, gaps, feed } = this.#listener;
    const expected = 2 * this.#total;
    await eventually(() => (got.length >= expected ? undefined : `${got.length} of ${expected} deliveries`));
    for (const [pair, texts] of this.#sent.entries()) {
      const users = this.#users(pair);
      const conversation = `si_${users.join('_')}`;
      assert.deepEqual(
        await rowsOf(store, conversation, texts.length),
        texts.map((text, at) => [at + 1, text]),
        'rows: each once, without gaps, in the order sent',
      );
      for (const user of users) {
        assert.deepEqual(
          got
            .filter((delivery) => delivery.targetUserID === user)
            .map((delivery) => [delivery.seq, delivery.operationID]),
          texts.map((text, at) => [at + 1, `op-${text}`]),
          'deliveries: each once, in order',
        );
      }
      await eventually(async () => {
        const seqs = await seqUsers(store).get(TENANT, users[0], [conversation]);
        const read = seqs.get(conversation)?.read;
        return read === texts.length ? undefined : `read ${read} of ${texts.length}`;
      });
      const state = (await conversationSeqs(store).get(TENANT, [conversation])).get(conversation);
      assert.equal(state?.max, texts.length);
    }
    assert.deepEqual(gaps, []);
    await feed.stop();
  }

  #users(pair: number): readonly [string, string] {
    const { name } = this.#options;
    return [`${name}x${pair}`, `${name}y${pair}`];
  }

  async #send(pair: number): Promise<void> {
    const { bus } = this.#gateway;
    const { pairs, everyMs } = this.#options;
    const [from, to] = this.#users(pair);
    const texts = this.#sent[pair] ?? [];
    for (let n = 0; !this.#ending; n++) {
      const text = `t${n}`;
      // As clients do: what was not acknowledged is sent again, until it is.
      while (!(await accepted(() => append(bus, textRecord(text, { from, to }))))) await sleep(50);
      texts.push(text);
      this.#total++;
      const earlier = textRecord(`t${n - 3}`, { from, to });
      if (n % 10 === 9) await accepted(() => append(bus, earlier));
      await sleep(pairs * everyMs);
    }
  }
}

async function accepted(send: () => Promise<void>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch {
    return false;
  }
}
