import { printToStderr } from './progress.ts';
import { findOnPath, runCommand } from './run-command.ts';

/** Debian package -> the commands it is needed for. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'python3-pip': ['python3', 'pip3'],
  cmake: ['cmake'],
  'build-essential': ['cc', 'c++', 'make'],
};

/** Debian packages of commands that are needed to install the store servers and missing on PATH. */
export async function missingSystemPackages(): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, commands] of Object.entries(NEEDED)) {
    const found = await Promise.all(commands.map((command) => findOnPath(command)));
    if (found.includes(undefined)) missing.push(name);
  }
  return missing;
}

/** A sentence that says how to install Debian packages. */
export function aptCommand(packages: readonly string[]): string {
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `on Debian or Ubuntu run: ${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/**
 * Installs the Debian packages that are missing, after printing the command. Only root on a system with apt-get can;
 * anywhere else it prints what to run and changes nothing. Returns what is still missing.
 */
export async function installSystemPackages(
  print: (line: string) => void = printToStderr,
): Promise<string[]> {
  const missing = await missingSystemPackages();
  if (missing.length === 0 || !(await installDebianPackages(missing, print))) return missing;
  return missingSystemPackages();
}

/**
 * Installs Debian packages, after printing the command. Only root on a system with apt-get can; anywhere else it prints
 * what to run, changes nothing and returns false.
 */
export async function installDebianPackages(
  packages: readonly string[],
  print: (line: string) => void = printToStderr,
): Promise<boolean> {
  if (process.getuid?.() !== 0 || (await findOnPath('apt-get')) === undefined) {
    print(`missing: ${packages.join(', ')}; ${aptCommand(packages)}`);
    return false;
  }
  print(`installing Debian packages: apt-get install -y --no-install-recommends ${packages.join(' ')}`);
  await runCommand('apt-get', ['update', '-q']);
  await runCommand('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
  return true;
}
