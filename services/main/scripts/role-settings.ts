// Writes what each role reads of the config, from what its services declare; with `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsOfRole } from '../src/role-settings.ts';

const FILE = join(import.meta.dirname, '../../lib/contract/src/gen/role-settings.ts');

/** Roles that a cluster runs as processes. */
const ROLES = ['gateway', 'api', 'rpc', 'transfer', 'push', 'cron', 'console', 'prober'];

const lines = [
  '// Made from the settings that each service declares, by services/main/scripts/role-settings.ts.',
  '',
  '/** Which settings each role reads at its start, besides those that every process reads. */',
  'export const ROLE_SETTINGS: Readonly<Record<string, readonly string[]>> = {',
];
for (const role of ROLES) {
  const settings = (await settingsOfRole(role)).map((name) => `'${name}'`);
  lines.push(`  ${role}: [${settings.join(', ')}],`);
}
const text = `${lines.join('\n')}\n};\n`;
if (!process.argv.includes('--check')) writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  console.error(
    'services/lib/contract/src/gen/role-settings.ts is not what the services declare: run make docs',
  );
  process.exitCode = 1;
}
