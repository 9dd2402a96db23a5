import { after, before, describe, test } from 'node:test';
import { sleep } from '@im/kit';
import { Crash, type DeathPoint } from './crash.ts';
import { type Servers, startProcess, startServers } from './harness.ts';
import { Load } from './load.ts';

/** Deaths around every step, in the middle of the load. */
const POINTS: readonly DeathPoint[] = [
  { step: 'commit', when: 'before', after: 3 },
  { step: 'commit', when: 'after', after: 3 },
  { step: 'rows', when: 'before', after: 3, stepwise: true },
  { step: 'rows', when: 'after', after: 3, stepwise: true },
  { step: 'conversationSeqs', when: 'after', after: 3, stepwise: true },
  { step: 'publish', when: 'before', after: 3 },
  { step: 'publish', when: 'after', after: 3 },
  { step: 'reads', when: 'before', after: 1 },
  { step: 'reads', when: 'after', after: 1 },
  { step: 'cursor', when: 'before', after: 1 },
  { step: 'cursor', when: 'after', after: 1 },
];

describe('a worker that dies', () => {
  let servers: Servers;
  before(async () => {
    servers = await startServers();
  });
  after(async () => servers.stop());

  for (const [i, point] of POINTS.entries()) {
    const name = `${point.when} ${point.step}${point.stepwise ? ', step by step' : ''}`;
    test(`${name}: its successor loses, doubles and reorders nothing`, async () => {
      const database = `death${i}`;
      await using gateway = await startProcess(servers, database, { transfer: false });
      const load = new Load(gateway, { name: database });
      await load.start();
      const crash = new Crash(point);
      const first = await startProcess(servers, database, { transfer: true, plant: crash.plant });
      await crash.died;
      await first.abandon();
      await sleep(100);
      await using successor = await startProcess(servers, database);
      await sleep(200);
      await load.end();
      await load.verify(successor.store);
    });
  }
});
