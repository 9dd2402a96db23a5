import type { BenchRun, Measure, Scenario } from '../bench-run.ts';
import { ATTACKS } from '../bystander/attacks.ts';
import {
  type BystanderResult,
  type BystanderServer,
  besideAttacks,
  bystanderTable,
  exceeded,
  orderOf,
} from '../bystander/bystander.ts';

/** An innocent pair of users during each attack: what do they notice? */
export const bystander: Scenario = {
  name: 'bystander',
  runs: 1,
  async run(bench) {
    const { attacks, attackSeconds: seconds, connections, external } = bench.options;
    const results: BystanderResult[] = [];
    for (const attack of ATTACKS) {
      if (attacks.length > 0 && !attacks.includes(attack.name)) continue;
      if (attack.ownServerOnly && external) {
        bench.progress(
          `${attack.name}: left out, as ${attack.ownServerOnly}: it needs a server that the bench starts, without --api`,
        );
        continue;
      }
      bench.progress(`${attack.name}: ${attack.summary}`);
      const result = await besideAttacks([attack], serverOf(bench), { seconds, connections });
      results.push(result);
      for (const text of exceeded(result)) bench.violated(text);
    }
    bench.progress(bystanderTable(results));
    return results.flatMap(measures);
  },
};

function serverOf({ target, options }: BenchRun): BystanderServer {
  const { own, endpoints, admin } = target;
  const { external } = options;
  return {
    endpoints,
    admin,
    own,
    usage: () => target.usage(),
    order(tenant) {
      if (own) return orderOf(own, tenant);
      const { adminUser = '', secret = '' } = external ?? {};
      return { endpoints, adminUser, secret, nats: undefined };
    },
  };
}

function measures({ attack, quiet, attacked, verdict, ...cpu }: BystanderResult): Measure[] {
  const p99 = (name: string, value: number): Measure => ({
    name: `${attack}: ${name}`,
    unit: 'ms',
    value: value / 1_000,
  });
  return [
    p99('acknowledged p99 before', quiet.acknowledged.at(0.99)),
    p99('acknowledged p99 during the attack', attacked.acknowledged.at(0.99)),
    p99('delivered p50 during the attack', attacked.delivered.at(0.5)),
    p99('delivered p99 before', quiet.delivered.at(0.99)),
    p99('delivered p99 during the attack', attacked.delivered.at(0.99)),
    p99('CPU p99 before, while a message is on its way', quiet.deliveredCpu.at(0.99)),
    p99('CPU p99 during the attack, while a message is on its way', attacked.deliveredCpu.at(0.99)),
    p99('delivered max during the attack', attacked.delivered.max),
    { name: `${attack}: lost`, unit: '', value: verdict.counts.lost },
    { name: `${attack}: not acknowledged`, unit: '', value: verdict.refused + verdict.open },
    { name: `${attack}: server`, unit: 'cores', value: cpu.serverCores },
    { name: `${attack}: attackers`, unit: 'cores', value: cpu.attackerCores },
  ];
}
