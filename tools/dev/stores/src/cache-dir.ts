import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * The folder that holds one folder `<name>-<version>` per installed server:
 * `$OPENIM_CACHE_DIR/backends`, else `$XDG_CACHE_HOME/openim-operator/backends`, else `~/.cache/openim-operator/backends`.
 * A relative path in either variable is an error.
 */
export function backendsCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const own = absolute(env, 'OPENIM_CACHE_DIR');
  if (own !== undefined) return join(own, 'backends');
  return join(absolute(env, 'XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'openim-operator', 'backends');
}

function absolute(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name];
  if (value === undefined || value === '') return undefined;
  if (!isAbsolute(value)) throw new Error(`${name} must be an absolute path, not ${JSON.stringify(value)}`);
  return value;
}
