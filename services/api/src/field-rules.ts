import { pageRange } from '@im/kit';
import { argsError, type sdkws } from '@im/protocol';

/** Fields of a request by name. */
export type Fields = Readonly<Record<string, unknown>>;

/** A condition on one field of a request. */
export interface FieldRule {
  /** Name of the field; its existence is checked by a test. */
  readonly field: string;
  /** Rules for the fields inside, when it is a message. */
  readonly inside?: readonly FieldRule[];
  /** @throws ImError 1001 that names the field. */
  check(fields: Fields): void;
}

function rule(field: string, problem: (value: unknown) => string | undefined): FieldRule {
  return {
    field,
    check(fields) {
      const found = problem(fields[field]);
      if (found !== undefined) throw argsError(`${field} ${found}`);
    },
  };
}

/** A text that is not empty. */
export function text(field: string): FieldRule {
  return rule(field, (value) => (value === '' ? 'is empty' : undefined));
}

/** A list with at least one entry; with `distinct`, without repeated entries. */
export function list(field: string, { distinct = false } = {}): FieldRule {
  return rule(field, (value) => {
    if (!Array.isArray(value) || value.length === 0) return 'is empty';
    return distinct && new Set(value).size !== value.length ? 'has repeated entries' : undefined;
  });
}

/** A number other than 0. */
export function nonZero(field: string): FieldRule {
  return rule(field, (value) => (value === 0 ? 'is empty' : undefined));
}

/**
 * A number of at least `least`.
 * @param least @default 1
 */
export function atLeast(field: string, least = 1): FieldRule {
  return rule(field, (value) => (Number(value) < least ? `must be ${least} or more` : undefined));
}

/** A list of numbers, none of which is below 1. */
export function seqs(field: string): FieldRule {
  return rule(field, (value) => {
    if (!Array.isArray(value) || value.length === 0) return 'is empty';
    return value.some((seq) => seq < 1) ? 'must be 1 or more' : undefined;
  });
}

/** A number within both bounds. */
export function between(field: string, low: number, high: number): FieldRule {
  return rule(field, (value) => {
    const n = Number(value);
    return n < low || n > high ? `must be ${low} to ${high}` : undefined;
  });
}

/** One of these numbers. */
export function oneOf(field: string, allowed: readonly number[]): FieldRule {
  return rule(field, (value) =>
    allowed.includes(Number(value)) ? undefined : `must be one of ${allowed.join(', ')}`,
  );
}

/** A message that is present, and whose own fields keep their rules. */
export function object(field: string, inside: readonly FieldRule[] = []): FieldRule {
  return {
    field,
    inside,
    check(fields) {
      const value = fields[field];
      if (value === null || value === undefined) throw argsError(`${field} is empty`);
      for (const inner of inside) inner.check(value as Fields);
    },
  };
}

/** A list of messages whose fields keep their rules. */
export function objects(field: string, inside: readonly FieldRule[]): FieldRule {
  return {
    field,
    inside,
    check(fields) {
      const value = fields[field] as readonly Fields[];
      if (value.length === 0) throw argsError(`${field} is empty`);
      for (const entry of value) for (const inner of inside) inner.check(entry);
    },
  };
}

/** A pagination that is present, with pages counted from 1. */
export function page(): FieldRule {
  return {
    field: 'pagination',
    check: (fields) => {
      pageRange(fields.pagination as sdkws.RequestPagination | null);
    },
  };
}
