import { apiClient } from '@im/client';
import { DEFAULT_ADMIN_USER } from '@im/contract';
import { type BenchRun, cpuPer, latencies, type Measure, type Scenario, startMeter } from '../bench-run.ts';
import { Histogram } from '../histogram.ts';

const IN_FLIGHT = 16;
const LOOKED_UP = 100;
const REGISTERED = 50;

/** HTTP routes in closed loops with 16 in flight. */
export const http: Scenario = {
  name: 'HTTP',
  async run(bench) {
    const users = await bench.users(LOOKED_UP);
    const secret = bench.options.external?.secret ?? 'admin secret of default';
    const adminUser = bench.options.external?.adminUser ?? DEFAULT_ADMIN_USER;
    const stamp = `${process.pid}x${Math.floor(performance.now())}`;
    const userIDs = users.map((user) => user.userID);
    const login = ['/auth/get_admin_token', { secret, userID: adminUser }] as const;
    const logins = await loop(bench, 'get_admin_token', () => login);
    // Each login ends the tokens from before it, in five minutes.
    const { token } = await bench.target.admin.api.call<{ token: string }>(...login);
    return [
      ...logins,
      ...(await loop(
        bench,
        `get_users_info of ${LOOKED_UP}`,
        () => ['/user/get_users_info', { userIDs }],
        token,
      )),
      ...(await loop(
        bench,
        `user_register of ${REGISTERED}`,
        (n) => [
          '/user/user_register',
          {
            users: Array.from({ length: REGISTERED }, (_, i) => ({
              userID: `b${stamp}x${n}x${i}`,
              nickname: `user ${i}`,
              faceURL: '',
            })),
          },
        ],
        token,
      )),
    ];
  },
};

async function loop(
  bench: BenchRun,
  name: string,
  request: (n: number) => readonly [string, unknown],
  token?: string,
): Promise<Measure[]> {
  const endpoint = bench.target.endpoints[0];
  if (!endpoint) return [];
  const api = apiClient(endpoint.api, IN_FLIGHT);
  const took = new Histogram();
  const stop = startMeter(bench.target);
  const until = performance.now() + (bench.options.seconds / 3) * 1000;
  let n = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() < until) {
        const [route, body] = request(n++);
        const start = performance.now();
        await api.call(route, body, { token });
        took.add((performance.now() - start) * 1000);
      }
    }),
  );
  const usage = stop();
  api.close();
  return [
    { name, unit: '/s', value: (took.count * 1000) / usage.wallMs },
    ...latencies(name, took).slice(0, 2),
    ...cpuPer(name, usage, took.count).slice(0, 2),
  ];
}
