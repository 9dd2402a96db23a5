import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';

/** The root of the repository. */
export const ROOT = join(import.meta.dirname, '../..');

/** An object of a manifest, of which only the envelope is known. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface ClusterManifest extends Manifest {
  readonly spec: OpenIMClusterSpec;
}

/** The objects of a YAML text with one or more documents; empty documents are left out. */
export function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0];
    const value = document.toJS({ maxAliasCount: -1 }) as Manifest | null;
    return value === null ? [] : [value];
  });
}

/** The clusters among objects. */
export function clustersOf(manifests: readonly Manifest[]): ClusterManifest[] {
  return manifests.filter((each): each is ClusterManifest => each.kind === 'OpenIMCluster');
}

interface Definition {
  readonly spec: {
    readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: StructuralSchema } }];
  };
}

/** The schema of a custom resource, by the plural of its kind. */
export function schemaOf(
  plural: 'openimclusters' | 'openimtenants' | 'openimtenantclasses',
): StructuralSchema {
  const text = readFileSync(join(ROOT, `crds/${plural}.openim.io.yaml`), 'utf8');
  const definition = parse(text, { maxAliasCount: -1 }) as Definition;
  return definition.spec.versions[0].schema.openAPIV3Schema;
}

/** Everything in which a cluster differs from the schema of the custom resource. */
export function clusterFaults(manifest: Manifest): string[] {
  return schemaFaults(manifest, schemaOf('openimclusters'), manifest.metadata.name);
}

/** The part of a structural schema without CEL rules, which only an API server checks. */
export interface StructuralSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** Everything in which a value differs from a schema, each as `path: what is wrong`; unknown fields count. */
export function schemaFaults(value: unknown, schema: StructuralSchema, path: string): string[] {
  if (schema['x-kubernetes-int-or-string']) {
    return typeof value === 'string' || Number.isInteger(value)
      ? []
      : [`${path}: neither integer nor string`];
  }
  if (!hasType(value, schema.type)) return [`${path}: not of type ${schema.type}`];
  const faults: string[] = [];
  if (schema.enum && !schema.enum.includes(value)) faults.push(`${path}: none of ${schema.enum.join(', ')}`);
  if (typeof value === 'string') faults.push(...stringFaults(value, schema, path));
  if (typeof value === 'number' && outside(value, schema.minimum, schema.maximum)) {
    faults.push(`${path}: ${value} is out of range`);
  }
  if (Array.isArray(value)) {
    if (outside(value.length, schema.minItems, schema.maxItems))
      faults.push(`${path}: too few or many items`);
    value.forEach((item, i) => {
      faults.push(...schemaFaults(item, schema.items ?? {}, `${path}[${i}]`));
    });
  } else if (isRecord(value)) faults.push(...objectFaults(value, schema, path));
  return faults;
}

function stringFaults(value: string, schema: StructuralSchema, path: string): string[] {
  const faults: string[] = [];
  if (outside(value.length, schema.minLength, schema.maxLength)) faults.push(`${path}: too short or long`);
  if (schema.pattern && !new RegExp(schema.pattern).test(value)) {
    faults.push(`${path}: ${value} is not like ${schema.pattern}`);
  }
  return faults;
}

function objectFaults(
  value: Readonly<Record<string, unknown>>,
  schema: StructuralSchema,
  path: string,
): string[] {
  const faults = (schema.required ?? [])
    .filter((key) => !(key in value))
    .map((key) => `${path}.${key}: missing`);
  const open = schema['x-kubernetes-preserve-unknown-fields'] || schema.properties === undefined;
  for (const [key, child] of Object.entries(value)) {
    const childSchema = schema.properties?.[key] ?? schema.additionalProperties;
    if (childSchema) faults.push(...schemaFaults(child, childSchema, `${path}.${key}`));
    else if (!open) faults.push(`${path}.${key}: unknown field`);
  }
  return faults;
}

function outside(value: number, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY): boolean {
  return value < least || value > most;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hasType(value: unknown, type: string | undefined): boolean {
  switch (type) {
    case undefined:
      return true;
    case 'object':
      return isRecord(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
