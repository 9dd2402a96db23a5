import protobuf from 'protobufjs';
import type { Messages } from './gen/messages.ts';
import { messageType } from './schema.ts';

/** Short name of a message in `proto/`, for example `sdkws.MsgData`. */
export type MessageName = keyof Messages & string;

/**
 * A complete message from the given fields; every other field has its proto3 default.
 * Defaults live on the prototype: copy by `make(name, { ...message, ...changes })`. What spreading alone gives lacks them, which
 * its type says.
 */
export function make<N extends MessageName>(name: N, fields?: Partial<Messages[N]>): Messages[N] {
  return messageType(name).create(fields as Record<string, unknown>) as unknown as Messages[N];
}

/** Protobuf bytes of a message. */
export function encode<N extends MessageName>(name: N, message: Messages[N]): Uint8Array {
  return messageType(name)
    .encode(message as object)
    .finish();
}

/**
 * The message of these protobuf bytes; unknown fields are ignored. `bytes` fields are views of `data`.
 * @throws Error when the bytes are not a message of this type.
 */
export function decode<N extends MessageName>(name: N, data: Uint8Array): Messages[N] {
  return messageType(name).decode(data) as unknown as Messages[N];
}

/** A message as another one of the same wire form: encoded messages in it become readable, or the other way round. */
export function convert<From extends MessageName, To extends MessageName>(
  from: From,
  message: Messages[From],
  to: To,
): Messages[To] {
  return decode(to, encode(from, message));
}

/** Fields of a message that hold many entries, by their names. */
export interface ManyFields {
  readonly lists: readonly string[];
  /** Messages in the lists, by the list's name. */
  readonly entries: ReadonlyMap<string, MessageName>;
  readonly maps: readonly string[];
}

/** Which fields of a message are lists, and which are maps. */
export function manyFields(name: MessageName): ManyFields {
  const { fieldsArray } = messageType(name);
  const namesOf = (fields: readonly protobuf.Field[]) => fields.map((field) => field.name);
  const lists = fieldsArray.filter((field) => field.repeated && !(field instanceof protobuf.MapField));
  return {
    lists: namesOf(lists),
    entries: new Map(
      lists.flatMap(({ name: list, resolvedType }) =>
        resolvedType instanceof protobuf.Type
          ? [[list, resolvedType.fullName.replace(/^\.openim\./, '') as MessageName] as const]
          : [],
      ),
    ),
    maps: namesOf(fieldsArray.filter((field) => field instanceof protobuf.MapField)),
  };
}
