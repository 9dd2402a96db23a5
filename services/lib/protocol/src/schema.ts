import { readdirSync, readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

const protoDir = new URL('../proto/', import.meta.url);

// int64 fields are plain numbers in our code: sequences and millisecond times stay below 2^53,
// and the HTTP API carries them as JSON numbers. 64-bit hashes are strings in the schema instead.
protobuf.util.Long = undefined as unknown as typeof protobuf.util.Long;
protobuf.configure();
// An absent bytes field is an empty Uint8Array, as the types say; the library's own default is a plain list.
Object.assign(protobuf.types.defaults, { bytes: new Uint8Array(0) });

/** In a bundle, which has no folder of .proto files: the file with the parsed schemas. See tools/bundle.ts. */
declare const OPENIM_SCHEMA_FILE: string;

function load(): protobuf.Root {
  if (typeof OPENIM_SCHEMA_FILE === 'undefined') return parseProtos();
  const text = readFileSync(new URL(OPENIM_SCHEMA_FILE, import.meta.url), 'utf8');
  const root = protobuf.Root.fromJSON(JSON.parse(text));
  root.resolveAll();
  return root;
}

function parseProtos(): protobuf.Root {
  const root = new protobuf.Root();
  for (const file of readdirSync(protoDir).sort()) {
    // options.proto only declares the option for other tools; the parser takes options as they come.
    if (file.endsWith('.proto') && file !== 'options.proto') {
      protobuf.parse(readFileSync(new URL(file, protoDir), 'utf8'), root, {
        keepCase: true,
        preferTrailingComment: false,
      });
    }
  }
  root.resolveAll();
  return root;
}

/** The parsed schemas of `proto/`, the source of every codec, JSON rule and service contract. */
export const root: protobuf.Root = load();

const types = new Map<string, protobuf.Type>();

/**
 * The message type of a short name such as `sdkws.MsgData`.
 * @throws TypeError for a name that no schema has.
 */
export function messageType(name: string): protobuf.Type {
  let type = types.get(name);
  if (type === undefined) {
    type = root.lookupType(`openim.${name}`);
    types.set(name, type);
  }
  return type;
}
