import { PLATFORM_NAMES } from '@im/protocol';
import { usageError } from './exit-codes.ts';

/** The platform id of a number or a name such as `web`. */
export function parsePlatform(text: string): number {
  const entry = Object.entries(PLATFORM_NAMES).find(
    ([id, name]) => id === text || name.toLowerCase() === text.toLowerCase(),
  );
  if (entry === undefined) {
    throw usageError(
      `--platform: ${text} is none of ${Object.values(PLATFORM_NAMES).join(', ')} (or 1 to 11)`,
    );
  }
  return Number(entry[0]);
}
