import { remainingMs } from '@im/kit';
import {
  argsError,
  checkLimits,
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
import { type Data, gather } from './answer-parts.ts';
import { bodyLimitFor } from './body-limit.ts';
import type { Call, Route } from './call.ts';
import { readMessage } from './json-body.ts';
import type { Fields, Rule } from './rules.ts';
import { isSplit, type Split, type SplitOptions, splitAnswer, splitOf } from './split-list.ts';

/** Peculiarities of a route. */
export interface RpcRouteOptions {
  readonly admin?: boolean;
  /** HTTP status of a request that cannot be understood; 200 unless told. */
  readonly badInput?: 200 | 400;
  readonly rules?: readonly Rule[];
  /** `data` is not the response but this list of it, null when empty. */
  readonly list?: string;
  /** A list whose largest entries would be too much for one call. */
  readonly split?: SplitOptions;
  /** Fields that the server itself fills in, such as the token's user. */
  readonly fill?: (call: Call) => Fields;
  /** Also takes and answers protobuf, by the request's content type. */
  readonly protobuf?: boolean;
}

/** A route, and what its tests look at. */
export interface RpcRoute extends Route {
  readonly domain: Domain;
  readonly method: string;
  readonly request: MessageName;
  readonly rules: readonly Rule[];
  readonly response: MessageName;
  readonly split: Split | undefined;
}

/** A method of a client, seen without its types. */
type Method = (ctx: Call['ctx'], request: unknown) => Promise<Messages[MessageName]>;

const PROTOBUF = /^application\/(?:x-)?protobuf\b/i;
const JSON_TYPE = /^application\/json\b/i;

/** Whether a message can hold anything; `data` is left out for those that cannot. */
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
  const { request: requestName, response, idempotency } = schemaOf(domain, method);
  const write = writer(response, list);
  const split = options.split && splitOf(response, options.split);

  function read(call: Call): { readonly request: Messages[MessageName]; readonly binary: boolean } {
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
        const fields = request as unknown as Fields;
        if (split && !binary && isSplit(fields, split)) {
          // Each call has its time from when it is made: the client may take long to read what came before.
          const allowedMs = remainingMs(call.ctx);
          const askPart = (part: Fields) =>
            ask(
              { ...call.ctx, deadline: Date.now() + allowedMs },
              make(requestName, part as Partial<Messages[typeof requestName]>),
            );
          return gather(splitAnswer(response, fields, split, askPart));
        }
        const answer = await ask(call.ctx, request);
        if (!binary) return write(answer);
        const bytes = encode(response, answer as Messages[typeof response]);
        return JSON.stringify(Buffer.from(bytes).toString('base64'));
      };
    },
  };
}
