/** What a text frame of a client asks for: a pong with this text, or nothing. */
export type TextAnswer = { readonly pong: string } | undefined;

/** A text frame that is no heartbeat; the connection is closed for it. */
export class UnknownTextError extends Error {
  override readonly name = 'UnknownTextError';
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UnknownTextError('no JSON');
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new UnknownTextError('no object');
  }
  return value as Fields;
}

/** Numbers and strings as they were spelled, which JSON.stringify of the parsed value may not repeat. */
function keepSpelling(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return context?.source === undefined ? value : rawJson(context.source);
}

/** `JSON.rawJSON`, which the compiler's library does not declare yet. */
function rawJson(source: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source);
}

function bodyAsSent(text: string): string {
  const { body } = JSON.parse(text, keepSpelling) as Fields;
  return JSON.stringify(body ?? null);
}

/**
 * Reads a text heartbeat: `{"type":"ping","body":…}` is answered with the same body, verbatim (null
 * when absent); `{"type":"pong"}` with nothing.
 * @throws UnknownTextError for anything else.
 */
export function answerText(text: string): TextAnswer {
  const fields = parse(text);
  if (fields.type === 'pong') return undefined;
  if (fields.type !== 'ping') throw new UnknownTextError('neither ping nor pong');
  const body = fields.body === undefined || fields.body === null ? 'null' : bodyAsSent(text);
  return { pong: `{"type":"pong","body":${body}}` };
}
