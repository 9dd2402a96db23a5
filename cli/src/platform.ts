import { usageError } from './exit-codes.ts';

/** A platform of OpenIM: `id` is the number on the wire. */
export interface Platform {
  readonly id: number;
  readonly name: string;
}

/** The platform of a number or a name such as `web`. @throws CommandError `usage` that lists the names. */
export async function parsePlatform(text: string): Promise<Platform> {
  const { PLATFORM_NAMES } = await import('@im/protocol');
  const entry = Object.entries(PLATFORM_NAMES).find(
    ([id, name]) => id === text || name.toLowerCase() === text.toLowerCase(),
  );
  if (entry === undefined) {
    throw usageError(
      `--platform: ${text} is none of ${Object.values(PLATFORM_NAMES).join(', ')} (or 1 to 11)`,
    );
  }
  return { id: Number(entry[0]), name: entry[1] };
}
