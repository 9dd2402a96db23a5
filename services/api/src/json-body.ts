import { argsError, fromJson, fromJsonValue, type MessageName, type Messages } from '@im/protocol';

/** An escape in JSON text: a pair of surrogates, a lone one (captured), or any other. */
const ESCAPE = /\\(?:ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(ud[89a-f][0-9a-f]{2})|[\s\S])/gi;
const SURROGATE = /\\ud[89a-f]/i;

/** The text of a body. Bytes and escapes that are no characters become U+FFFD, as in Go's decoder. */
export function bodyText(body: Buffer): string {
  const text = body.toString('utf8');
  if (!SURROGATE.test(text)) return text;
  return text.replace(ESCAPE, (sequence, lone: string | undefined) =>
    lone === undefined ? sequence : '\\ufffd',
  );
}

/** The message that a body holds. @throws ImError 1001. */
export function readMessage<N extends MessageName>(name: N, body: Buffer): Messages[N] {
  return fromJson(name, bodyText(body));
}

/** A body that holds a message and, among its fields, a free-form object. */
export interface BodyWithObject<N extends MessageName> {
  readonly message: Messages[N];
  readonly object: Readonly<Record<string, unknown>>;
  /** Whether the body has this field and it is not null; an empty list counts. */
  has(field: string): boolean;
}

/**
 * The message that a body holds, and the object in its field `field`, matched case-insensitively.
 * @throws ImError 1001, also when the field is absent or no object.
 */
export function readMessageWithObject<N extends MessageName>(
  name: N,
  field: string,
  body: Buffer,
): BodyWithObject<N> {
  let value: unknown;
  try {
    value = JSON.parse(bodyText(body));
  } catch {
    throw argsError('body is not valid JSON');
  }
  const message = fromJsonValue(name, value);
  const given = new Map(Object.entries(value as object).map(([key, entry]) => [key.toLowerCase(), entry]));
  const object: unknown = given.get(field.toLowerCase()) ?? null;
  if (object === null) throw argsError(`${field} is empty`);
  if (typeof object !== 'object' || Array.isArray(object)) throw argsError(`${field} is no object`);
  return {
    message,
    object: object as Record<string, unknown>,
    has: (key) => (given.get(key.toLowerCase()) ?? null) !== null,
  };
}
