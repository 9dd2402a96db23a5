import type { ServerConfig } from '@im/contract';
import { usageError } from './exit-codes.ts';

/**
 * The server's config of a file, the environment and defaults.
 * @param set values that win over everything, by dotted path.
 * @throws CommandError `usage` naming each field at fault.
 */
export async function loadServerConfig(
  file: string | undefined,
  set: Readonly<Record<string, unknown>> = {},
): Promise<ServerConfig> {
  const [{ ConfigError }, { loadConfig }] = await Promise.all([
    import('@im/contract'),
    import('@im/process'),
  ]);
  try {
    return await loadConfig({ file, set });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw usageError(`${error.message}${cause}`);
  }
}
