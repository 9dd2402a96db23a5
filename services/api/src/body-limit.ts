/** Largest bodies of routes, so that most can be told by one number; the configuration caps the last. */
const SIZES = [65_536, 262_144, 1_048_576, 2_097_152] as const;

/** Largest body of a route that is sent no message and no list. */
export const USUAL_BODY = SIZES[0];

/** Largest body of a route whose requests take up to `bytes` of JSON; infinite above the largest size. */
export function bodyLimitFor(bytes: number): number {
  return SIZES.find((size) => bytes <= size) ?? Number.POSITIVE_INFINITY;
}
