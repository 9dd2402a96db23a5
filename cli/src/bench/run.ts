import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type OwnServer, type OwnServerOptions, runBench } from '@im/proof';
import { DryRun } from '../dry-run.ts';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';
import { resolveTarget } from '../target.ts';
import { type BenchCommandOptions, type BenchServer, benchArguments } from './bench-arguments.ts';

/** Runs `openimctl bench`. @throws CommandError. */
export async function runBenchCommand(options: BenchCommandOptions): Promise<void> {
  const server = await measuredServer(options);
  if (server !== undefined && (options.topology ?? options.profile ?? options.transfers) !== undefined) {
    throw usageError(
      '--topology, --profile and --transfers are for an own server: leave out what names another',
    );
  }
  if (options.dryRun)
    throw new DryRun(server ? 'create users and put load on a server' : 'start a server and put load on it', {
      server: server?.target.apiUrl ?? 'an own one',
      scenarios: options.scenario ?? 'all',
    });
  const code = await runBench(benchArguments(options, server), {
    startServer,
    print: (text) => process.stdout.write(`${text}\n`),
    progress: (text) => process.stderr.write(`${text}\n`),
  });
  if (code === EXIT.violated) {
    throw new CommandError(EXIT.violated, 'the server broke its promise; see the lines above');
  }
  if (code !== 0)
    throw new CommandError(code === EXIT.usage ? EXIT.usage : EXIT.refused, 'the bench did not run');
}

/** Starts a server of this repository; what runs it is loaded only here. */
async function startServer({ tenants, ...options }: OwnServerOptions): Promise<OwnServer> {
  const { startCluster, testTenant } = await import('@im/dev-cluster');
  return await startCluster({
    ...options,
    tenants: tenants?.map(({ id, settings }) => testTenant(id, settings)),
  });
}

/** The server that the options or the environment name; none means that the bench starts one. */
async function measuredServer(options: BenchCommandOptions): Promise<BenchServer | undefined> {
  const named = [
    options.api,
    options.ws,
    options.dataDir,
    options.kubeconfig,
    options.kubeContext,
    options.namespace,
    options.cluster,
    process.env.OPENIM_API,
    process.env.OPENIM_DATA_DIR,
    process.env.OPENIM_CLUSTER,
  ];
  if (named.every((each) => each === undefined)) return undefined;
  const target = await resolveTarget(options, ['api', 'ws']);
  const { dev } = target;
  return { target, pids: dev ? [dev.pid] : [], storePids: dev ? childrenOf(dev.pid) : [] };
}

/** Child processes of a process, where the system reports them (Linux). */
function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return [];
  return readdirSync(tasks).flatMap((task) =>
    readFileSync(`${tasks}/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}
