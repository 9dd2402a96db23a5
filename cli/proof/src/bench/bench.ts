import { benchRun, type Scenario } from './bench-run.ts';
import { BENCH_USAGE, type BenchOptions, parseBenchOptions } from './options.ts';
import type { StartServer } from './own-server.ts';
import { resultTable, type ScenarioResult, writeReport } from './report.ts';
import { bystander } from './scenarios/bystander.ts';
import { group1000 } from './scenarios/group.ts';
import { hot } from './scenarios/hot.ts';
import { http } from './scenarios/http.ts';
import { idle } from './scenarios/idle.ts';
import { logins } from './scenarios/logins.ts';
import { pull } from './scenarios/pull.ts';
import { single } from './scenarios/single.ts';
import { soak } from './scenarios/soak.ts';
import { idleTenants } from './scenarios/tenants.ts';
import { openTarget } from './target.ts';

/** The scenarios that the options ask for, in order. */
export function scenariosOf(options: BenchOptions): Scenario[] {
  return options.scenarios.flatMap((name): Scenario[] => {
    switch (name) {
      case 'single':
        // Next to each other, so that they can be compared.
        return options.rates.flatMap((rate) =>
          [undefined, ...options.hooks].map((hook) => single(rate, hook)),
        );
      case 'hot':
        return [hot];
      case 'group-1000':
        return [group1000];
      case 'pull':
        return [pull];
      case 'http':
        return [http];
      case 'logins':
        return [logins];
      case 'idle':
        return [idle];
      case 'tenants':
        return [
          idleTenants(options.tenants, options.rates.length === 1 ? (options.rates[0] ?? 0) : TENANTS_RATE),
        ];
      case 'bystander':
        return [bystander];
      case 'soak':
        return [soak];
    }
    return name satisfies never;
  });
}

const DEFAULT_RUNS = 3;
/** Messages per second of scenario tenants, unless a single rate is named. */
const TENANTS_RATE = 200;
/** The exit code of a bench that saw a broken promise; `verify` has the same. */
const VIOLATED = 4;

/** What a bench is run with. */
export interface BenchHost {
  /** Starts the server to measure where the arguments name none. */
  readonly startServer: StartServer;
  /** Takes the table of results. */
  print(text: string): void;
  /** Takes lines about how far the bench is. */
  progress(text: string): void;
}

/** Runs the bench, prints its table and writes its JSON file. @returns the exit code. */
export async function runBench(
  args: readonly string[],
  { startServer, print, progress }: BenchHost,
): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseBenchOptions(args);
  } catch (error) {
    progress(`${error instanceof Error ? error.message : error}\n${BENCH_USAGE}`);
    return 2;
  }
  await using target = await openTarget(options, startServer);
  progress(`target: ${target.description}`);
  const violations: string[] = [];
  const bench = benchRun(target, options, {
    progress,
    violated: (text) => {
      violations.push(text);
      progress(`violated: ${text}`);
    },
  });
  const results: ScenarioResult[] = [];
  try {
    for (const scenario of scenariosOf(options)) {
      const runs = [];
      const count = options.runs ?? scenario.runs ?? DEFAULT_RUNS;
      for (let n = 1; n <= count; n++) {
        progress(`${scenario.name}: run ${n} of ${count}`);
        runs.push(await scenario.run(bench));
      }
      results.push({ name: scenario.name, runs });
      writeReport(options.out, target.description, results);
    }
  } finally {
    // What was measured is worth having when a later scenario fails.
    if (results.length > 0) {
      print(resultTable(results));
      progress(`written to ${options.out}`);
    }
  }
  return violations.length === 0 ? 0 : VIOLATED;
}
