import type { Operation, Taken } from '@im/admin-api';
import { argsError, type ImError } from '@im/protocol';
import { bodyText } from '../json-body.ts';

type Schema = Operation['body'];
interface Issue {
  readonly code: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

/** The first thing that is wrong, as `<field> <what>`. */
function faultOf([issue]: readonly Issue[], place: string): ImError {
  if (!issue) return argsError(`${place} is invalid`);
  if (issue.code === 'unrecognized_keys')
    return argsError(`${issue.keys?.[0]} is not known: leave it out of the ${place}`);
  const field = issue.path.map(String).join('.') || place;
  const text = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  return argsError(text.startsWith(field) ? text : `${field} is wrong: ${text}`);
}

function read(schema: Schema, value: unknown, place: string): unknown {
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw faultOf(error.issues, place);
  return data;
}

function json(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(bodyText(body));
  } catch {
    throw argsError('body is no JSON');
  }
}

/** Each parameter once. */
function single(query: URLSearchParams): Record<string, string> {
  const given = Object.fromEntries(query);
  for (const name of Object.keys(given))
    if (query.getAll(name).length > 1) throw argsError(`${name} is given more than once`);
  return given;
}

/** Validates a request. @throws ImError 1001 that names the parameter or field. */
export function takenOf(
  { params, query, body }: Operation,
  given: { readonly params: unknown; readonly query: URLSearchParams; readonly body: Buffer },
): Taken<Operation> {
  return {
    params: read(params, given.params, 'path'),
    query: read(query, single(given.query), 'query'),
    body: read(body, json(given.body), 'body'),
  };
}
