import type protobuf from 'protobufjs';
import type { MessageName } from './codec.ts';
import type { Services } from './gen/services.ts';
import { root } from './schema.ts';

/** Name of an RPC domain: auth, user, msg, conversation, group, relation, third. */
export type Domain = keyof Services<unknown> & string;

/**
 * What a second call does, `idempotency_level` of protobuf's method options:
 * - `NO_SIDE_EFFECTS`: the method only reads.
 * - `IDEMPOTENT`: the method writes, and the same request twice has the effect of one.
 * - `IDEMPOTENCY_UNKNOWN`: a second call may do it again; methods that say nothing.
 */
export type IdempotencyLevel = 'NO_SIDE_EFFECTS' | 'IDEMPOTENT' | 'IDEMPOTENCY_UNKNOWN';

/** One method of a domain's contract. */
export interface ServiceMethod {
  readonly name: string;
  readonly request: MessageName;
  readonly response: MessageName;
  readonly idempotency: IdempotencyLevel;
}

/**
 * The level that the schema gives to a method.
 * @throws TypeError for a level that protobuf does not have.
 */
export function idempotencyOf(method: protobuf.Method): IdempotencyLevel {
  const level: unknown = method.options?.idempotency_level ?? 'IDEMPOTENCY_UNKNOWN';
  switch (level) {
    case 'NO_SIDE_EFFECTS':
    case 'IDEMPOTENT':
    case 'IDEMPOTENCY_UNKNOWN':
      return level;
    default:
      throw new TypeError(`${method.fullName}: idempotency_level ${String(level)} does not exist`);
  }
}

function short(type: protobuf.Type | null): MessageName {
  if (type === null) throw new TypeError('unresolved method type');
  return type.fullName.replace(/^\.openim\./, '') as MessageName;
}

function read(domain: string): ServiceMethod[] {
  const name = `${domain.charAt(0).toUpperCase()}${domain.slice(1)}Service`;
  const service = root.lookupService(`openim.${domain}.${name}`);
  return service.methodsArray.map((method) => ({
    name: method.name,
    request: short(method.resolvedRequestType),
    response: short(method.resolvedResponseType),
    idempotency: idempotencyOf(method),
  }));
}

/** Every RPC domain, in start order. */
export const DOMAINS: readonly Domain[] = [
  'auth',
  'user',
  'relation',
  'conversation',
  'msg',
  'group',
  'third',
];

const byDomain = new Map<string, readonly ServiceMethod[]>(DOMAINS.map((d) => [d, read(d)]));

/** The methods of a domain's contract as its schema declares them. */
export function serviceMethods(domain: Domain): readonly ServiceMethod[] {
  return byDomain.get(domain) ?? [];
}
