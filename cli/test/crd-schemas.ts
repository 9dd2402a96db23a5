import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A schema of OpenAPI as CRDs have it. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** A custom resource, by all its names. */
export interface CustomKind {
  readonly crd: string;
  readonly names: readonly string[];
  readonly schema: Schema;
  readonly hasScale: boolean;
}

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: {
      readonly plural: string;
      readonly singular: string;
      readonly shortNames?: readonly string[];
    };
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly subresources?: { readonly scale?: object };
    }[];
  };
}

const FOLDER = join(import.meta.dirname, '../../crds');

/** The custom resources of the operator. */
export function customKinds(): readonly CustomKind[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  return files.map((name): CustomKind => {
    const { metadata, spec }: Crd = parse(readFileSync(join(FOLDER, name), 'utf8'));
    const [version] = spec.versions;
    if (!version) throw new Error(`${name} has no version`);
    const { plural, singular, shortNames = [] } = spec.names;
    return {
      crd: metadata.name,
      names: [plural, singular, ...shortNames, metadata.name],
      schema: version.schema.openAPIV3Schema,
      hasScale: version.subresources?.scale !== undefined,
    };
  });
}

/** What every object has, as far as commands name it. */
const METADATA: Schema = {
  properties: {
    name: {},
    namespace: {},
    generation: {},
    finalizers: { items: {} },
    labels: { additionalProperties: {} },
    annotations: { additionalProperties: {} },
  },
};

/** The schema of a field; undefined where there is none. @param path names of fields; `*` or a number for an entry of a list. */
export function fieldAt(schema: Schema, path: readonly string[]): Schema | undefined {
  let at: Schema | undefined = { ...schema, properties: { ...schema.properties, metadata: METADATA } };
  for (const step of path) {
    if (at === undefined || at['x-kubernetes-preserve-unknown-fields']) return at;
    if (/^(?:\*|\d+)$/.test(step) && at.items) at = at.items;
    else if (at.properties && Object.hasOwn(at.properties, step)) at = at.properties[step];
    else if (typeof at.additionalProperties === 'object') at = at.additionalProperties;
    else if (at.additionalProperties === true) return {};
    else return undefined;
  }
  return at;
}

/** Paths in an object that no field of the schema has. */
export function unknownFields(schema: Schema, value: unknown, path: readonly string[] = []): string[] {
  if (path.length > 0 && fieldAt(schema, path) === undefined) return [path.join('.')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => unknownFields(schema, each, [...path, name]));
}
