import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sleep } from '@im/kit';
import { convs, seqUsers } from '@im/store';
import { Crash, type DeathPoint } from './crash.ts';
import {
  append,
  eventually,
  listen,
  rowsOf,
  type Servers,
  startProcess,
  startServers,
  TENANT,
  textRecord,
} from './harness.ts';

/** Deaths around every step, in the middle of the load. */
const POINTS: readonly DeathPoint[] = [
  { step: 'commit', when: 'before', after: 3 },
  { step: 'commit', when: 'after', after: 3 },
  { step: 'rows', when: 'before', after: 3, stepwise: true },
  { step: 'rows', when: 'after', after: 3, stepwise: true },
  { step: 'convs', when: 'after', after: 3, stepwise: true },
  { step: 'publish', when: 'before', after: 3 },
  { step: 'publish', when: 'after', after: 3 },
  { step: 'reads', when: 'before', after: 1 },
  { step: 'reads', when: 'after', after: 1 },
  { step: 'cursor', when: 'before', after: 1 },
  { step: 'cursor', when: 'after', after: 1 },
];

const PAIRS = 4;
const MESSAGES = 120;

describe('a worker that dies', () => {
  let servers: Servers;
  before(async () => {
    servers = await startServers();
  });
  after(async () => servers.stop());

  for (const [i, point] of POINTS.entries()) {
    const name = `${point.when} ${point.step}${point.stepwise ? ', step by step' : ''}`;
    test(`${name}: its heir loses, doubles and reorders nothing`, async () => {
      const database = `death${i}`;
      const users = (pair: number) => [`${database}x${pair}`, `${database}y${pair}`] as const;
      const conversation = (pair: number) => `si_${users(pair).join('_')}`;
      await using gateway = await startProcess(servers, database, { transfer: false });
      const heard = listen(gateway.bus, Array.from({ length: PAIRS }, (_, pair) => users(pair)).flat());
      await heard.feed.barrier();

      const crash = new Crash(point);
      const first = await startProcess(servers, database, { transfer: true, plant: crash.plant });
      const sent: string[][] = Array.from({ length: PAIRS }, () => []);
      const sending = (async () => {
        for (let n = 0; n < MESSAGES; n++) {
          const pair = n % PAIRS;
          const [from, to] = users(pair);
          await append(gateway.bus, textRecord(`t${n}`, { from, to }));
          sent[pair]?.push(`t${n}`);
          // A client's retry of what was sent some time ago.
          if (n % 10 === 9) await append(gateway.bus, textRecord(`t${n - PAIRS}`, { from, to }));
          await sleep(4);
        }
      })();
      await crash.died;
      await first.abandon();
      await using heir = await startProcess(servers, database);
      await sending;

      const expected = 2 * MESSAGES;
      await eventually(() =>
        heard.got.length >= expected ? undefined : `${heard.got.length} of ${expected} deliveries`,
      );
      for (let pair = 0; pair < PAIRS; pair++) {
        const texts = sent[pair] ?? [];
        assert.deepEqual(
          await rowsOf(heir.store, conversation(pair)),
          texts.map((text, at) => [at + 1, text]),
          'rows: each once, without gaps, in the order sent',
        );
        for (const user of users(pair)) {
          const own = heard.got.filter((delivery) => delivery.targetUserID === user);
          assert.deepEqual(
            own.map((delivery) => [delivery.seq, delivery.operationID]),
            texts.map((text, at) => [at + 1, `op-${text}`]),
            'deliveries: each once, in order',
          );
        }
        const [from] = users(pair);
        await eventually(async () => {
          const read = (await seqUsers(heir.store).get(TENANT, from, [conversation(pair)])).get(
            conversation(pair),
          )?.read;
          return read === texts.length ? undefined : `read ${read} of ${texts.length}`;
        });
        const state = (await convs(heir.store).get(TENANT, [conversation(pair)])).get(conversation(pair));
        assert.equal(state?.max, texts.length);
      }
      assert.deepEqual(heard.gaps, []);
      await heard.feed.stop();
    });
  }
});
