import type { CallContext } from '@im/kit';
import {
  DOMAINS,
  type Domain,
  decode,
  encode,
  type MessageName,
  type Messages,
  type Services,
  serviceMethods,
} from '@im/protocol';
import { asBuffer } from './frames.ts';
import { type Pieces, piecesOf } from './pieces.ts';

/** An implementation or a client of a domain: its contract with our call context. */
export type DomainService<D extends Domain> = Services<CallContext>[D];

/** Any message of the protocol; which one is fixed by the contract of the method it belongs to. */
export type AnyMessage = Messages[MessageName];

/** A method of an implementation, seen without its types. */
export type Handler = (ctx: CallContext, request: AnyMessage) => Promise<AnyMessage>;

/** One method of one domain as the transport sees it. */
export interface Method {
  readonly domain: Domain;
  readonly name: string;
  /** `user.getUserInfo`: for errors, logs and metrics. */
  readonly label: string;
  readonly request: Codec;
  readonly response: Codec;
  /** The schema says that a second call changes nothing, so it may be sent again when the outcome is unknown. */
  readonly idempotent: boolean;
  /** Its answer may come in parts, through `onPartial` of the caller's context. */
  readonly partial: boolean;
  /** Cuts large answers into pieces and joins them. */
  readonly pieces: Pieces;
}

/** To bytes and back. */
export interface Codec {
  readonly encode: (message: AnyMessage) => Buffer;
  readonly decode: (bytes: Buffer) => AnyMessage;
}

/** Batches of many callers: the first to be done does not wait for the slowest. */
const PARTIAL = new Set(['msg.sendMsgs']);

function codec(name: MessageName): Codec {
  return {
    encode: (message) => asBuffer(encode(name, message as Messages[typeof name])),
    decode: (bytes) => decode(name, bytes),
  };
}

const methods = new Map<Domain, readonly Method[]>(
  DOMAINS.map((domain) => [
    domain,
    serviceMethods(domain).map(({ name, request, response, idempotency }) => ({
      domain,
      name,
      label: `${domain}.${name}`,
      request: codec(request),
      response: codec(response),
      idempotent: idempotency !== 'IDEMPOTENCY_UNKNOWN',
      partial: PARTIAL.has(`${domain}.${name}`),
      pieces: piecesOf(response),
    })),
  ]),
);

/** The methods of a domain's contract. */
export function methodsOf(domain: Domain): readonly Method[] {
  return methods.get(domain) ?? [];
}
