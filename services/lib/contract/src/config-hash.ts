import { createHash } from 'node:crypto';
import { ServerConfig } from './config.ts';
import { ROLE_SETTINGS } from './gen/role-settings.ts';
import { isLiveSetting, settingsOf } from './live-settings.ts';

/** Length of the hashes here, in hex digits. */
const DIGITS = 16;

/**
 * Names one state of a config: its text and the contents of the files that it refers to, by path.
 * A process reports the one in force as `configHash` of its status.
 */
export function configHash(text: string, files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256').update(text);
  for (const path of [...files.keys()].sort()) hash.update(`\0${path}\0${files.get(path)}`);
  return hash.digest('hex').slice(0, DIGITS);
}

/** Sections that every process reads. */
export const EVERY_ROLE: readonly string[] = [
  'log',
  'listen',
  'ops',
  'shutdown',
  'tenantsRevision',
  'tenantsDir',
  'tenants',
];

/**
 * Names what of a config a process of this role keeps until its next start: when it changes, the
 * process must be restarted; when it stays, a restart would change nothing. Settings with their
 * default value do not count, so that a newer version with more settings gives the same name.
 * @param config with its references resolved, so that a changed password counts.
 * @throws RangeError for an unknown role.
 */
export function restartHash(config: ServerConfig, role: string): string {
  const own = ROLE_SETTINGS[role];
  if (!own)
    throw new RangeError(`there is no role ${role}; roles are ${Object.keys(ROLE_SETTINGS).join(', ')}`);
  const read = [...EVERY_ROLE, ...own];
  const defaults = settingsOf(ServerConfig.parse({}));
  const kept = [...settingsOf(config)]
    .filter(([path]) => read.some((name) => path === name || path.startsWith(`${name}.`)))
    .filter(([path, value]) => !isLiveSetting(path) && defaults.get(path) !== value)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(kept)).digest('hex').slice(0, DIGITS);
}
