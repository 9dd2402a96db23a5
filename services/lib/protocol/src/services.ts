import type protobuf from 'protobufjs';
import type { MessageName } from './codec.ts';
import type { Services } from './gen/services.ts';
import { root } from './schema.ts';

/** Name of an RPC domain: auth, user, msg, conversation, group, relation, third. */
export type Domain = keyof Services<unknown> & string;

/** One method of a domain's contract. */
export interface ServiceMethod {
  readonly name: string;
  readonly request: MessageName;
  readonly response: MessageName;
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
