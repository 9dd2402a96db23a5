import { argsError } from '@im/protocol';

/** Most elements that a list in a request may have. */
export const MAX_LIST = 1_000;

/** The field must be filled. @throws ImError 1001 that names it. */
export function requireText(field: string, value: string): void {
  if (value === '') throw argsError(`${field} is empty`);
}

/** The list must have 1 to {@link MAX_LIST} elements, none of them empty. @throws ImError 1001 that names it. */
export function requireList(field: string, values: readonly string[]): void {
  if (values.length === 0) throw argsError(`${field} is empty`);
  checkList(field, values);
}

/** As {@link requireList}, and no element may come twice. @throws ImError 1001 that names it. */
export function requireDistinct(field: string, values: readonly string[]): void {
  requireList(field, values);
  if (new Set(values).size !== values.length) throw argsError(`${field} has an element twice`);
}

/** The list must have at most {@link MAX_LIST} elements, none of them empty. @throws ImError 1001 that names it. */
export function checkList(field: string, values: readonly string[]): void {
  if (values.length > MAX_LIST) throw argsError(`${field} has more than ${MAX_LIST} elements`);
  if (values.includes('')) throw argsError(`${field} has an empty element`);
}

/** The number must be one of these. @throws ImError 1001 that names the field. */
export function requireOneOf(field: string, value: number, allowed: readonly number[]): void {
  if (!allowed.includes(value)) throw argsError(`${field} must be one of ${allowed.join(', ')}`);
}
