import {
  ConnectionLost,
  loadText,
  parseLoadContent,
  scanPush,
  sendMessage,
  textMessage,
  WireError,
} from '@im/client';
import { createGroup } from '../../verify/verify.ts';
import { cpuPer, latencies, type Scenario, startMeter } from '../bench-run.ts';
import { Histogram } from '../histogram.ts';

const MEMBERS = 20;
const DRAIN_MS = 30_000;

/** One group of 20 online members, each of whom sends as soon as their last message was acknowledged. */
export const hot: Scenario = {
  name: 'hot conversation, 20 in flight',
  async run(bench) {
    const users = await bench.users(MEMBERS);
    const group = await createGroup(
      bench.target.admin,
      'hot',
      users.map(({ userID }) => userID),
    );
    const run = `${process.pid}-${Math.floor(performance.now())}`;
    const acked = new Histogram();
    const arrived = new Histogram();
    const owed = new Map<string, number>();
    const highest = new Array<number>(MEMBERS).fill(0);
    let delivered = 0;
    let reordered = 0;
    const now = () => performance.timeOrigin + performance.now();
    const connections = await bench.connect(users, (i) => ({
      push: (data) => {
        for (const message of scanPush(data)) {
          const load = parseLoadContent(message.content);
          if (!load?.id.startsWith(run)) continue;
          delivered += 1;
          arrived.add((now() - load.sentAt) * 1000);
          if (message.seq <= (highest[i] ?? 0)) reordered += 1;
          highest[i] = message.seq;
          const left = (owed.get(load.id) ?? MEMBERS) - 1;
          if (left === 0) owed.delete(load.id);
          else owed.set(load.id, left);
        }
      },
    }));
    const ids = new Set<string>();
    let refused = 0;
    const stop = startMeter(bench.target);
    const until = performance.now() + bench.options.seconds * 1000;
    await Promise.all(
      connections.map(async (connection, i) => {
        for (let n = 0; performance.now() < until; n++) {
          const id = `${run}.${i}.${n}`;
          const sentAt = now();
          owed.set(id, MEMBERS);
          const bytes = textMessage(connection.userID, { group }, id, loadText(id, sentAt, 100));
          try {
            await sendMessage(connection, bytes, { operationID: id, timeoutMs: 30_000 });
            ids.add(id);
            acked.add((now() - sentAt) * 1000);
          } catch (error) {
            if (!(error instanceof WireError) && !(error instanceof ConnectionLost)) throw error;
            refused += 1;
            owed.delete(id);
          }
        }
      }),
    );
    const deadline = performance.now() + DRAIN_MS;
    while (owed.size > 0 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 50));
    const usage = stop();
    for (const connection of connections) connection.close();
    return [
      { name: 'acknowledged', unit: '/s', value: ids.size / bench.options.seconds },
      ...latencies('acknowledged', acked),
      ...latencies('delivered', arrived),
      ...cpuPer('message', usage, ids.size),
      ...cpuPer('delivery', usage, delivered, 'us').slice(0, 1),
      { name: 'lost', unit: '', value: owed.size },
      { name: 'reordered or doubled', unit: '', value: reordered },
      { name: 'refused', unit: '', value: refused },
    ];
  },
};
