import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  backendsCacheDir,
  findOnPath,
  installedDir,
  isAtLeast,
  isInstalled,
  runCommand,
  versionIn,
  withProgress,
} from '@im/dev-stores';
import type { Program } from './programs.ts';

/** The Go version that the pinned modules require. */
export const MINIMUM_GO = '1.26.0';
/** From this version on, Go itself fetches the version that a module requires. */
const SELF_UPDATING_GO = '1.21.0';

/** Where a program's executables are, by installed version. */
export function isProgramInstalled(program: Program): Promise<boolean> {
  return isInstalled(program.name, versionKey(program));
}

/**
 * Compiles a program when needed (once per machine and version) and returns the folder that holds its executable
 * and its other names. Go's compile cache survives an interruption, so the next attempt resumes there.
 */
export async function installProgram(program: Program): Promise<string> {
  return installedDir(program.name, versionKey(program), (target) =>
    withProgress(`${program.name} ${program.version}`, async (progress) => {
      const obstacle = await whyNoGo();
      if (obstacle !== undefined) throw new Error(`cannot compile ${program.name}: ${obstacle}`);
      progress.doing('downloading Go modules');
      const total = await packageCount(program);
      let compiled = 0;
      await runCommand('go', ['build', '-v', ...goArguments(program, join(target, program.name))], {
        cwd: program.dir,
        env: goEnvironment(program),
        onLine: (line) => {
          if (line.startsWith('go: downloading')) return;
          compiled++;
          progress.doing(`compiling with Go, ${compiled} of at most ${total} packages`);
        },
      });
      for (const name of program.alsoKnownAs) await symlink(program.name, join(target, name));
      if (program.isBackground) await rm(cacheOf(program), { recursive: true, force: true });
      return program.name;
    }),
  );
}

/** How many packages the program is made of, the standard library's included. */
async function packageCount(program: Program): Promise<number> {
  const listed = await runCommand('go', ['list', '-mod=readonly', '-deps', program.package], {
    cwd: program.dir,
    env: goEnvironment(program),
  });
  return listed.trim().split('\n').length;
}

/** Removes files that only compilation needs, several gigabytes; those of programs compiled in the background stay. */
export async function removeCompileCache(): Promise<void> {
  await rm(ownCompileCache(), { recursive: true, force: true });
}

function versionKey({ version, digest }: Program): string {
  return `${version}-${digest}`;
}

function goArguments(program: Program, output: string): string[] {
  return [
    '-trimpath',
    '-buildvcs=false',
    '-mod=readonly',
    `-ldflags=${program.linkerFlags.join(' ')}`,
    `-o=${output}`,
    ...(program.isBackground ? ['-p=1'] : []),
    program.package,
  ];
}

/** GOCACHE is kept where the user has set one; otherwise it goes when all is compiled. */
function goEnvironment(program: Program): Record<string, string> {
  return { CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', GOCACHE: process.env.GOCACHE ?? cacheOf(program) };
}

function cacheOf(program: Program): string {
  return program.isBackground ? join(backendsCacheDir(), `.go-build-${program.name}`) : ownCompileCache();
}

function ownCompileCache(): string {
  return join(backendsCacheDir(), '.go-build');
}

/** Why Go cannot compile the programs here, with what to do about it; undefined when it can. */
export async function whyNoGo(): Promise<string | undefined> {
  const advice = `install Go ${MINIMUM_GO} or newer (https://go.dev/dl) and have go on PATH`;
  if ((await findOnPath('go')) === undefined) return `Go is not on PATH; ${advice}`;
  const version = versionIn(await runCommand('go', ['env', 'GOVERSION'], { env: { GOTOOLCHAIN: 'local' } }));
  if (version === undefined) return `go does not tell its version; ${advice}`;
  const updatesItself =
    isAtLeast(version, SELF_UPDATING_GO) &&
    (await runCommand('go', ['env', 'GOTOOLCHAIN'])).trim() !== 'local';
  if (updatesItself || isAtLeast(version, MINIMUM_GO)) return undefined;
  return `Go ${version} is too old; ${advice}`;
}
