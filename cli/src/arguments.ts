import { usageError } from './exit-codes.ts';

/** Parses an option's text. @throws CommandError `usage` that names the option. */
export type Parser<T> = (text: string) => T;

/** A whole number of at least `least`. */
export function whole(option: string, least = 1): Parser<number> {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
      throw usageError(`${option}: ${text} is not a whole number of at least ${least}`);
    }
    return value;
  };
}

/** A number above zero. */
export function positive(option: string): Parser<number> {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
      throw usageError(`${option}: ${text} is not a number above 0`);
    }
    return value;
  };
}

/** A TCP port; 0 takes a free one. */
export function port(option: string): Parser<number> {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > 65_535) {
      throw usageError(`${option}: ${text} is not a port (0 to 65535; 0 takes a free one)`);
    }
    return value;
  };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A span of time such as `500ms`, `30s`, `5m`, `1h` or `7d`, in ms; a bare number is seconds. */
export function duration(option: string): Parser<number> {
  return (text) => {
    const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
    const value = Number(number) * (UNITS_MS[unit] ?? Number.NaN);
    if (!(value > 0)) throw usageError(`${option}: ${text} is not a time such as 500ms, 30s, 5m, 1h or 7d`);
    return value;
  };
}

const TENANT_ID = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The id of a tenant. */
export function tenant(option: string): Parser<string> {
  return (text) => {
    if (TENANT_ID.test(text)) return text;
    throw usageError(
      `${option}: ${text} is not a tenant id (1 to 63 of a-z, 0-9 and -, with no - at the ends)`,
    );
  };
}

/** Gathers the values of an option that may be repeated. */
export function repeated<T>(parse: Parser<T>): (text: string, before: readonly T[]) => readonly T[] {
  return (text, before) => [...before, parse(text)];
}
