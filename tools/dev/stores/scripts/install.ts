import { installBackends } from '../src/install.ts';
import { BACKEND_NAMES, type BackendName } from '../src/lock-file.ts';
import { installSystemPackages } from '../src/system-packages.ts';

/**
 * Installs the store servers of development and tests ahead of their first use.
 * Usage: install.ts [--system-packages] [nats|redis|mongo|s3 ...]
 * Exit codes: 0 installed, 1 failed, 2 wrong usage.
 */
async function main(args: readonly string[]): Promise<number> {
  const words = args.filter((arg) => arg !== '--system-packages');
  const names = words.filter((word): word is BackendName =>
    (BACKEND_NAMES as readonly string[]).includes(word),
  );
  if (names.length < words.length) {
    process.stderr.write(`usage: install.ts [--system-packages] [${BACKEND_NAMES.join('|')} ...]\n`);
    return 2;
  }
  if (words.length < args.length) await installSystemPackages();
  const installed = await installBackends(names.length > 0 ? { only: names } : {});
  for (const [name, server] of installed) process.stdout.write(`${name}: ${server.description}\n`);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
