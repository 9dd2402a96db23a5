import { setPriority } from 'node:os';
import { chooseDriver } from '../choose-driver.ts';
import {
  installAll,
  NEEDED_BY_CONTROL_PLANE,
  NEEDED_BY_KIND,
  NEEDED_BY_LOCAL,
  together,
} from '../install/install-all.ts';

/**
 * Installs ahead of its first use what tests on Kubernetes and `make up` need: compiled programs, store servers and
 * Debian packages. Usage: install.ts [--background]; the flag gives way to other work on the machine.
 * Where no cluster can run, a control plane still can: its programs are installed before that is reported.
 * Exit codes: 0 installed, 1 failed, 2 wrong usage.
 */
async function main(args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg !== '--background')) {
    process.stderr.write('usage: install.ts [--background]\n');
    return 2;
  }
  if (args.length > 0) setPriority(10);
  const driver = await chooseDriver().catch((error: Error) => error);
  if (driver instanceof Error) {
    await installAll(NEEDED_BY_CONTROL_PLANE);
    throw driver;
  }
  const ofDriver = driver === 'kind' ? NEEDED_BY_KIND : NEEDED_BY_LOCAL;
  await installAll(together(NEEDED_BY_CONTROL_PLANE, ofDriver));
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
