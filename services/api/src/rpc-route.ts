import type { RouteAccess } from '@im/contract';
import { remainingMs } from '@im/kit';
import {
  argsError,
  checkLimits,
  convert,
  type Domain,
  decode,
  encode,
  largestBody,
  type MessageName,
  type Messages,
  make,
  serviceMethods,
  toJsonEntry,
  toJsonParts,
} from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { FieldRule, Fields } from './field-rules.ts';
import { readMessage } from './json-body.ts';
import { bodyLimitFor } from './request-body.ts';
import { type Data, gather } from './response-body.ts';
import type { ApiCall, Route } from './route.ts';
import { isSplit, type Split, type SplitOptions, splitAnswer, splitOf } from './split-list.ts';

/** Options of a route that is one RPC. */
export interface RpcRouteOptions {
  /** Only administrators may call it. @default false */
  readonly admin?: boolean;
  /** What it is for. @default `read` for a method without side effects, else `write` */
  readonly access?: RouteAccess;
  /** HTTP status of an invalid request. @default 200 */
  readonly badInput?: 200 | 400;
  /** Conditions on the request's fields that its schema cannot express. @default none */
  readonly rules?: readonly FieldRule[];
  /** What `data` is written by, where the RPC answers with encoded messages of the same wire form. @default the RPC's */
  readonly response?: MessageName;
  /** `data` is not the response but this list of it, null when empty. */
  readonly list?: string;
  /** The list whose largest entries exceed one call; long requests are answered by several calls. */
  readonly split?: SplitOptions;
  /** Fields that the server sets, such as the token's user. */
  readonly fill?: (call: ApiCall) => Fields;
  /** Also accepts and answers protobuf, by the request's content type. @default false */
  readonly protobuf?: boolean;
}

/** A route that is one RPC; tests and the reference pages use the additional fields. */
export interface RpcRoute extends Route {
  readonly domain: Domain;
  readonly method: string;
  readonly request: MessageName;
  readonly rules: readonly FieldRule[];
  readonly response: MessageName;
  readonly split: Split | undefined;
}

/** A client method without its types. */
type Method = (ctx: ApiCall['ctx'], request: unknown) => Promise<Messages[MessageName]>;

const PROTOBUF = /^application\/(?:x-)?protobuf\b/i;
const JSON_TYPE = /^application\/json\b/i;

/** Whether a message has fields; answers without fields have no `data`. */
function hasFields(name: MessageName): boolean {
  const prototype: object = Object.getPrototypeOf(make(name));
  return Object.keys(prototype).some((key) => !key.startsWith('$'));
}

function schemaOf(domain: Domain, method: string) {
  const found = serviceMethods(domain).find(({ name }) => name === method);
  if (!found) throw new TypeError(`${domain} has no method ${method}`);
  return found;
}

/** JSON of the entries of a list, as `data`. */
function* listParts(response: MessageName, field: string, message: object): Generator<string, void> {
  const items = (message as Record<string, readonly unknown[]>)[field] ?? [];
  for (const [i, item] of items.entries()) yield (i === 0 ? '[' : ',') + toJsonEntry(response, field, item);
  yield items.length === 0 ? 'null' : ']';
}

/** JSON of a response as `data`. */
function writer(response: MessageName, list: string | undefined): (message: object) => Promise<Data> {
  if (list !== undefined) return (message) => gather(listParts(response, list, message));
  if (!hasFields(response)) return async () => undefined;
  return (message) => gather(toJsonParts(response, message as Messages[typeof response]));
}

/** An answer as the message by which it is written. */
function readable(answer: Messages[MessageName], from: MessageName, to: MessageName): Messages[MessageName] {
  return from === to ? answer : convert(from, answer, to);
}

/** A request in protobuf, for the routes that take it. @throws ImError 1001. */
function readProtobuf<N extends MessageName>(name: N, body: Buffer): Messages[N] {
  try {
    return decode(name, body);
  } catch {
    throw argsError('body is not valid protobuf');
  }
}

/** A route that is one RPC: body by the request's schema, `data` by the response's. */
export function rpcRoute<D extends Domain>(
  path: string,
  domain: D,
  method: keyof DomainService<D> & string,
  options: RpcRouteOptions = {},
): RpcRoute {
  const { rules = [], list, fill, protobuf = false } = options;
  const { request: requestName, response: answered, idempotency } = schemaOf(domain, method);
  const response = options.response ?? answered;
  const write = writer(response, list);
  const split = options.split && splitOf(response, options.split);

  function read(call: ApiCall): { readonly request: Messages[MessageName]; readonly binary: boolean } {
    if (protobuf && PROTOBUF.test(call.contentType))
      return { request: readProtobuf(requestName, call.body), binary: true };
    if (protobuf && !JSON_TYPE.test(call.contentType))
      throw argsError('content type is neither JSON nor protobuf');
    return { request: readMessage(requestName, call.body), binary: false };
  }

  return {
    path,
    domain,
    method,
    target: `${domain}.${method}`,
    request: requestName,
    requests: [requestName],
    response,
    split,
    rules,
    access: options.access ?? (idempotency === 'NO_SIDE_EFFECTS' ? 'read' : 'write'),
    admin: options.admin ?? false,
    changes: idempotency !== 'NO_SIDE_EFFECTS',
    badInput: options.badInput ?? 200,
    bodyLimit: bodyLimitFor(largestBody(requestName)),
    prepare(call) {
      const { request, binary } = read(call);
      checkLimits(requestName, request);
      if (fill) Object.assign(request, fill(call));
      for (const rule of rules) rule.check(request as unknown as Fields);
      return async () => {
        const client = call.rpc.client(domain) as unknown as Record<string, Method>;
        const ask = client[method];
        if (ask === undefined) return undefined;
        const answerTo = async (ctx: ApiCall['ctx'], asked: Messages[MessageName]) =>
          readable(await ask(ctx, asked), answered, response);
        const fields = request as unknown as Fields;
        if (split && !binary && isSplit(fields, split)) {
          // Each call has its own deadline: the client may take long to read the parts before it.
          const allowedMs = remainingMs(call.ctx);
          const askPart = (part: Fields) =>
            answerTo(
              { ...call.ctx, deadline: Date.now() + allowedMs },
              make(requestName, part as Partial<Messages[typeof requestName]>),
            );
          return gather(splitAnswer(response, fields, split, askPart));
        }
        const answer = await answerTo(call.ctx, request);
        if (!binary) return write(answer);
        const bytes = encode(response, answer as Messages[typeof response]);
        return JSON.stringify(Buffer.from(bytes).toString('base64'));
      };
    },
  };
}
