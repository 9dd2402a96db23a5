import { constants, getPriority, setPriority } from 'node:os';
import { admin, type Endpoint } from '@im/client';
import { type RunningAttack, Tally } from './attack.ts';
import { ATTACKS } from './attacks.ts';

/** One attack, and the tenant that it comes from. */
export interface AttackOrder {
  readonly attack: string;
  readonly endpoints: readonly Endpoint[];
  readonly adminUser: string;
  readonly secret: string;
  readonly connections: number;
  readonly nats: string | undefined;
}

/** Commands of the bench to an attackers' process: first the attacks, which go on at the same time. */
export type AttackCommand = readonly AttackOrder[] | 'go' | 'stop';

/** Answers that attackers got, with their number, by attack. */
export type AttackAnswers = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What such a process reports: ready to start, or the responses that it got. */
export type AttackReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'done'; readonly answers: AttackAnswers };

/** The server and the innocent pair come first on a machine that all share: so much lower is their priority. */
const NICER_BY = 10;

const stop = new AbortController();
const go = Promise.withResolvers<void>();

process.on('message', (message: AttackCommand) => {
  if (message === 'go') go.resolve();
  else if (message === 'stop') stop.abort();
  else {
    attack(message).catch((error: unknown) => {
      report({
        kind: 'failed',
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    });
  }
});
// Its parent is gone.
process.on('disconnect', () => process.exit());

async function attack(orders: readonly AttackOrder[]): Promise<void> {
  setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICER_BY));
  const tallies = new Map<string, Tally>();
  const running: RunningAttack[] = [];
  for (const order of orders) {
    const tally = new Tally();
    tallies.set(order.attack, tally);
    running.push(await prepare(order, tally));
  }
  report({ kind: 'ready' });
  await go.promise;
  const ended = Promise.all(running.map((attack) => attack(stop.signal)));
  ended.catch(() => {});
  await Promise.race([
    ended,
    new Promise<void>((done) => stop.signal.addEventListener('abort', () => done())),
  ]);
  const answers = [...tallies].map(([name, { counts }]) => [name, Object.fromEntries(counts)]);
  report({ kind: 'done', answers: Object.fromEntries(answers) });
}

async function prepare(order: AttackOrder, tally: Tally): Promise<RunningAttack> {
  const found = ATTACKS.find(({ name }) => name === order.attack);
  if (!found) throw new RangeError(`there is no attack ${order.attack}`);
  const [endpoint] = order.endpoints;
  if (!endpoint) throw new RangeError('no endpoint');
  const { endpoints, connections, nats, adminUser, secret } = order;
  return await found.prepare({
    endpoints,
    connections,
    nats,
    tally,
    admin: admin(endpoint, { adminUser, secret }),
  });
}

function report(message: AttackReport): void {
  process.send?.(message);
}
