import { setPriority } from 'node:os';
import { admin, type Endpoint } from '../../wire/index.ts';
import { Tally } from './attack.ts';
import { ATTACKS } from './attacks.ts';

/** What the bench tells an attacker's process when it starts. */
export interface AttackOrder {
  readonly attack: string;
  readonly endpoints: readonly Endpoint[];
  readonly adminUser: string;
  readonly secret: string;
  readonly connections: number;
  readonly nats: string | undefined;
}

/** What such a process reports: ready to begin, or what it was answered. */
export type AttackReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'done'; readonly answers: Readonly<Record<string, number>> };

/** The server and the innocent pair come first on a machine that all share. */
const NICENESS = 10;

const stop = new AbortController();
const go = Promise.withResolvers<void>();

process.on('message', (message: AttackOrder | 'go' | 'stop') => {
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
// Whoever started it is gone.
process.on('disconnect', () => process.exit());

async function attack(order: AttackOrder): Promise<void> {
  setPriority(NICENESS);
  const found = ATTACKS.find(({ name }) => name === order.attack);
  if (!found) throw new RangeError(`there is no attack ${order.attack}`);
  const [endpoint] = order.endpoints;
  if (!endpoint) throw new RangeError('no endpoint');
  const tally = new Tally();
  const { endpoints, connections, nats } = order;
  const assault = await found.prepare({
    endpoints,
    connections,
    nats,
    tally,
    admin: admin(endpoint, { adminUser: order.adminUser, secret: order.secret }),
  });
  report({ kind: 'ready' });
  await go.promise;
  const ended = assault(stop.signal);
  ended.catch(() => {});
  await Promise.race([
    ended,
    new Promise<void>((done) => stop.signal.addEventListener('abort', () => done())),
  ]);
  report({ kind: 'done', answers: Object.fromEntries(tally.counts) });
}

function report(message: AttackReport): void {
  process.send?.(message);
}
