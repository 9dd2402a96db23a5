import { loadText, parseLoadContent, scanPush, sendMessage, textMessage } from '@im/client';
import { createGroup } from '../../verify/verify.ts';
import { atRate, cpuPer, latencies, type Scenario, startMeter } from '../bench-run.ts';
import { Histogram } from '../histogram.ts';

const MEMBERS = 1_000;
const RATE = 20;
const SENDERS = 10;
const DRAIN_MS = 20_000;

/** A group of 1,000 online members, 20 messages/s. */
export const group1000: Scenario = {
  name: `group of ${MEMBERS}, ${RATE}/s`,
  async run(bench) {
    const users = await bench.users(MEMBERS);
    const group = await createGroup(
      bench.target.admin,
      'large',
      users.map(({ userID }) => userID),
    );
    const run = `${process.pid}-${Math.floor(performance.now())}`;
    const now = () => performance.timeOrigin + performance.now();
    const arrived = new Histogram();
    const lastOfAll = new Histogram();
    const left = new Map<string, number>();
    const highest = new Array<number>(MEMBERS).fill(0);
    let delivered = 0;
    let reordered = 0;
    const connections = await bench.connect(users, (i) => ({
      push: (data) => {
        for (const message of scanPush(data)) {
          const load = parseLoadContent(message.content);
          if (!load?.id.startsWith(run)) continue;
          const took = (now() - load.sentAt) * 1000;
          delivered += 1;
          arrived.add(took);
          if (message.seq <= (highest[i] ?? 0)) reordered += 1;
          highest[i] = message.seq;
          const rest = (left.get(load.id) ?? MEMBERS) - 1;
          left.set(load.id, rest);
          if (rest === 0) {
            lastOfAll.add(took);
            left.delete(load.id);
          }
        }
      },
    }));
    const send = async (n: number): Promise<void> => {
      const connection = connections[(n % SENDERS) * (MEMBERS / SENDERS)];
      if (!connection) return;
      const id = `${run}.${n}`;
      left.set(id, MEMBERS);
      const bytes = textMessage(connection.userID, { group }, id, loadText(id, now(), 100));
      await sendMessage(connection, bytes, { operationID: id });
    };
    await Promise.all(Array.from({ length: 5 }, (_, i) => send(-1 - i).catch(() => {})));
    const stop = startMeter(bench.target);
    const before = delivered;
    const flights: Promise<void>[] = [];
    const sent = await atRate(RATE, performance.now() + bench.options.seconds * 1000, (n) =>
      flights.push(send(n)),
    );
    const failures = (await Promise.allSettled(flights)).filter(
      (flight) => flight.status === 'rejected',
    ).length;
    const deadline = performance.now() + DRAIN_MS;
    while (left.size > 0 && performance.now() < deadline) await new Promise((done) => setTimeout(done, 20));
    const usage = stop();
    for (const connection of connections) connection.close();
    return [
      { name: 'messages', unit: '', value: sent },
      { name: 'deliveries', unit: '/s', value: ((delivered - before) * 1000) / usage.wallMs },
      ...latencies('delivered', arrived),
      ...latencies('delivered to the last', lastOfAll),
      ...cpuPer('delivery', usage, delivered - before, 'us'),
      { name: 'lost', unit: '', value: [...left.values()].reduce((sum, n) => sum + n, 0) },
      { name: 'reordered or doubled', unit: '', value: reordered },
      { name: 'refused', unit: '', value: failures },
    ];
  },
};
