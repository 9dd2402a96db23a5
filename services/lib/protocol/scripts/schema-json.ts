// Prints the parsed schemas of proto/ as protobufjs's JSON, for the bundle.
import { root } from '../src/schema.ts';

process.stdout.write(JSON.stringify(root.toJSON()));
