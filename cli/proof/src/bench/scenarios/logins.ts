import { cpuPer, latencies, type Measure, type Scenario, startMeter, TOKENS_AT_ONCE } from '../bench-run.ts';
import { Histogram } from '../histogram.ts';
import { inParallel } from '../in-parallel.ts';

const PLATFORM = 5;
const SETTLE_MS = 1_000;

/**
 * Users who have just been registered: a token for each, then a connection with its first newest seqs (1001), then
 * the same once more, as after a drain.
 */
export const logins: Scenario = {
  name: 'logins',
  async run(bench) {
    const { target, options } = bench;
    const stamp = `${process.pid}x${Math.floor(performance.now())}`;
    const ids = Array.from({ length: options.connections }, (_, i) => `login${stamp}x${i}`);
    await target.admin.ensureUsers(ids);
    await new Promise((done) => setTimeout(done, SETTLE_MS));
    const tookToken = new Histogram();
    const stopTokens = startMeter(target);
    const users = await inParallel(ids, options.inFlight ?? TOKENS_AT_ONCE, async (userID) => {
      const startedAt = performance.now();
      const token = await target.admin.userToken(userID, PLATFORM);
      tookToken.add((performance.now() - startedAt) * 1000);
      return { userID, token };
    });
    const tokens = stopTokens();
    await new Promise((done) => setTimeout(done, SETTLE_MS));
    const rounds: Measure[] = [];
    let open = 0;
    for (const name of ['connect', 'reconnect']) {
      const stopConnects = startMeter(target);
      const connections = await bench.connect(users, () => ({}));
      const connects = stopConnects();
      rounds.push({ name: `${name}s`, unit: '/s', value: (ids.length * 1000) / connects.wallMs });
      rounds.push(...cpuPer(name, connects, ids.length));
      open += connections.filter((connection) => connection.open).length;
      for (const connection of connections) connection.terminate();
      await new Promise((done) => setTimeout(done, SETTLE_MS));
    }
    return [
      { name: 'tokens', unit: '/s', value: (ids.length * 1000) / tokens.wallMs },
      ...latencies('token', tookToken).slice(0, 2),
      ...cpuPer('token', tokens, ids.length),
      ...rounds,
      { name: 'dropped', unit: '', value: 2 * ids.length - open },
    ];
  },
};
