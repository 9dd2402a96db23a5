import {
  BACKEND_NAMES,
  type BackendName,
  installServer,
  installSystemPackages,
  isServerInstalled,
  missingSystemPackages,
  printToStderr,
} from '@im/dev-stores';
import { eachLimited } from '@im/kit';
import { installProgram, isProgramInstalled, removeCompileCache } from './go-build.ts';
import { installNodePackages, missingNodePackages } from './node-packages.ts';
import { type ProgramName, programOf } from './programs.ts';

/** What a driver of the cluster needs. */
export interface Needed {
  readonly programs: readonly ProgramName[];
  /** Store servers for the store images. */
  readonly servers: readonly BackendName[];
  /** Whether this machine becomes a node. */
  readonly nodePackages: boolean;
}

export const NEEDED_BY_LOCAL: Needed = {
  programs: [
    'kubernetes',
    'etcd',
    'helm',
    'coredns',
    'local-path-provisioner',
    'mongod',
    'pause',
    'volume-helper',
  ],
  servers: BACKEND_NAMES,
  nodePackages: true,
};

/** For `startControlPlane` and tests of charts. */
export const NEEDED_BY_CONTROL_PLANE: Needed = {
  programs: ['kubernetes', 'etcd', 'helm'],
  servers: [],
  nodePackages: false,
};

export const NEEDED_BY_KIND: Needed = { programs: ['kind'], servers: [], nodePackages: false };

/** Both. */
export function together(one: Needed, other: Needed): Needed {
  return {
    programs: [...new Set([...one.programs, ...other.programs])],
    servers: [...new Set([...one.servers, ...other.servers])],
    nodePackages: one.nodePackages || other.nodePackages,
  };
}

interface Job {
  readonly title: string;
  readonly cpuMinutes: number;
  run(): Promise<unknown>;
}

/** Compilers use all cores by themselves; two at once fill what one leaves idle while it links. */
const AT_ONCE = 2;
const MONGO_CPU_MINUTES = 7;

/**
 * Installs what is missing, after saying what that is and how long compiling takes. Resumes where an interrupted run
 * stopped. Several processes may call it: each thing is made by one of them while the others wait.
 */
export async function installAll(
  needed: Needed,
  print: (line: string) => void = printToStderr,
): Promise<void> {
  const packages = [
    ...(needed.nodePackages ? await missingNodePackages() : []),
    ...(needed.servers.length > 0 ? await missingSystemPackages() : []),
  ];
  const jobs = await missingJobs(needed);
  if (packages.length + jobs.length === 0) return;
  const titles = jobs.map(({ title, cpuMinutes }) =>
    cpuMinutes >= 0.5 ? `${title} (~${cpuMinutes} minutes of CPU)` : title,
  );
  if (packages.length > 0) print(`to install from Debian: ${packages.join(', ')}`);
  if (titles.length > 0) print(`to compile or download, once per machine: ${titles.join(', ')}`);
  const startedAt = performance.now();
  if (needed.servers.length > 0) await installSystemPackages(print);
  if (needed.nodePackages) await installNodePackages(print);
  let failure: Error | undefined;
  await eachLimited(
    jobs.sort((a, b) => b.cpuMinutes - a.cpuMinutes),
    AT_ONCE,
    async (job) => {
      // After a failure, builds in progress are finished, and no others are started.
      if (failure !== undefined) return;
      await job.run().catch((error: Error) => {
        failure ??= error;
      });
    },
  );
  if (failure !== undefined) throw failure;
  await removeCompileCache();
  print(`everything installed after ${duration(performance.now() - startedAt)}`);
}

/** Time as people say it. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

async function missingJobs({ programs, servers }: Needed): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const name of programs) {
    const program = programOf(name);
    if (await isProgramInstalled(program)) continue;
    jobs.push({
      title: `${name} ${program.version}`,
      cpuMinutes: program.cpuMinutes,
      run: () => installProgram(program),
    });
  }
  for (const name of servers) {
    if (await isServerInstalled(name)) continue;
    jobs.push({
      title: `the ${name} server`,
      cpuMinutes: name === 'mongo' ? MONGO_CPU_MINUTES : 0.1,
      // The Python build of the MongoDB-compatible server is no program that an image could hold.
      run: () => installServer(name, { mongoBuild: 'cargo' }),
    });
  }
  return jobs;
}
