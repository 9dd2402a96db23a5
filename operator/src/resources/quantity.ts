const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** A Kubernetes quantity as a number, such as bytes; undefined for an invalid one. */
export function quantity(text: string | number | undefined): number | undefined {
  if (typeof text === 'number') return text;
  const match = /^(\d+(?:\.\d+)?)(?:([KMGTP]i|[mkMGTP])|e(\d{1,2}))?$/.exec(text ?? '');
  if (!match) return undefined;
  return Number(match[1]) * (match[3] === undefined ? (UNITS[match[2] ?? ''] ?? 1) : 10 ** Number(match[3]));
}

/** A number, or a percentage such as `25%` of `whole`. */
export function numberOrShare(value: string | number, whole: number): number {
  return typeof value === 'number' ? value : (Number.parseFloat(value) / 100) * whole;
}
