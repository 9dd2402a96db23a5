import { installBackends } from '../src/install.ts';
import { BACKEND_NAMES, type BackendName } from '../src/lock-file.ts';
import { installSystemPackages } from '../src/system-packages.ts';

/**
 * Installs the store servers of development and tests ahead of their first use.
 * Usage: install.ts [--system-packages] [nats|redis|mongo|s3 ...]
 */
const args = process.argv.slice(2);
const names = args.filter((arg) => arg !== '--system-packages');
const unknown = names.filter((name) => !(BACKEND_NAMES as readonly string[]).includes(name));
if (unknown.length > 0) {
  process.stderr.write(
    `unknown: ${unknown.join(' ')}; usage: install.ts [--system-packages] [${BACKEND_NAMES.join('|')} ...]\n`,
  );
  process.exit(2);
}
if (names.length < args.length) await installSystemPackages();
const installed = await installBackends(names.length > 0 ? { only: names as BackendName[] } : {});
for (const [name, server] of installed) process.stdout.write(`${name}: ${server.description}\n`);
