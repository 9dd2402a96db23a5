import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { type StructuralSchema, schemaFaults } from './schema-faults.ts';

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
export function schemaOf(plural: 'openimclusters' | 'openimtenants'): StructuralSchema {
  const text = readFileSync(join(ROOT, `crds/${plural}.openim.io.yaml`), 'utf8');
  const definition = parse(text, { maxAliasCount: -1 }) as Definition;
  return definition.spec.versions[0].schema.openAPIV3Schema;
}

/** Everything in which a cluster differs from the schema of the custom resource. */
export function clusterFaults(manifest: Manifest): string[] {
  return schemaFaults(manifest, schemaOf('openimclusters'), manifest.metadata.name);
}
