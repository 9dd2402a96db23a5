import { argsError } from '@im/protocol';
import { CONTENT_SHAPES, type FieldShape, type Shape } from './content-shapes.ts';

const MAX_DEPTH = 64;

/** OpenIM answers such content with 500, like an internal error. */
function violation(path: string, problem: string): never {
  throw argsError(path === '' ? `content ${problem}` : `content.${path} ${problem}`);
}

function byKey(object: object): Map<string, unknown> {
  return new Map(Object.entries(object).map(([key, value]) => [key.toLowerCase(), value]));
}

/** The value converted to this kind; undefined when that is impossible. */
function read(kind: FieldShape['kind'], value: unknown): unknown {
  switch (kind) {
    case 'text':
      if (typeof value === 'string') return value;
      if (typeof value === 'number') return String(value);
      return typeof value === 'boolean' ? String(Number(value)) : undefined;
    case 'int':
      if (typeof value === 'number') return Math.trunc(value);
      if (typeof value === 'boolean') return Number(value);
      if (value === '') return 0;
      return typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : undefined;
    case 'bool':
      if (typeof value === 'boolean') return value;
      if (typeof value === 'number') return value !== 0;
      if (value === '' || value === 'false' || value === '0') return false;
      return value === 'true' || value === '1' ? true : undefined;
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
    case 'list':
      return Array.isArray(value) ? value : undefined;
    case 'any':
      return value;
    default:
      return kind satisfies never;
  }
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0);
}

function checkField(path: string, shape: FieldShape, given: unknown): void {
  if (given === undefined || given === null) {
    if (shape.required) violation(path, 'is required');
    return;
  }
  const value = read(shape.kind, given);
  if (value === undefined) violation(path, `is no ${shape.kind}`);
  if (shape.required && isZero(value)) violation(path, 'is required');
  if (typeof value === 'number') {
    if (shape.min !== undefined && value < shape.min) violation(path, `is below ${shape.min}`);
    if (shape.max !== undefined && value > shape.max) violation(path, `is above ${shape.max}`);
  }
  if (Array.isArray(value)) {
    if (value.length > (shape.maxEntries ?? Number.POSITIVE_INFINITY)) {
      violation(path, `has more than ${shape.maxEntries} entries`);
    }
    if (shape.inside)
      for (const [i, entry] of value.entries()) checkObject(`${path}[${i}]`, shape.inside, entry);
  } else if (shape.kind === 'object' && shape.inside) checkObject(path, shape.inside, value);
}

function checkObject(path: string, shape: Shape, object: unknown): void {
  if (typeof object !== 'object' || object === null) violation(path, 'is no object');
  const fields = byKey(object);
  for (const [key, field] of Object.entries(shape)) {
    checkField(path === '' ? key : `${path}.${key}`, field, fields.get(key.toLowerCase()));
  }
}

/**
 * Checks what an administrator sends over HTTP.
 * @throws ImError 1001: without detail for a content type that may not be sent, with the field for a content that breaks
 *   its shape.
 */
export function checkContent(contentType: number, content: object): void {
  const shape = CONTENT_SHAPES.get(contentType);
  if (!shape) throw argsError('');
  checkObject('', shape, content);
}

/** The users that an @-message names. */
export function atUserList(content: object): string[] {
  const list = byKey(content).get('atuserlist');
  return Array.isArray(list) ? list.map(String) : [];
}

/** JSON text of a content as stored, with sorted keys at every depth. @throws ImError 1001 when nested too deeply. */
export function contentText(content: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) throw argsError('content nests too deep');
  if (Array.isArray(content)) return `[${content.map((entry) => contentText(entry, depth + 1)).join(',')}]`;
  if (typeof content !== 'object' || content === null) return JSON.stringify(content);
  const entries = Object.entries(content).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${contentText(value, depth + 1)}`).join(',')}}`;
}
