import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SETTINGS_LEVEL } from '@im/contract';
import { judgeTenant } from '../src/controllers/tenant/entry.ts';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import type { OpenIMTenantSpec } from '../src/gen/openimtenant.ts';
import { configTree } from '../src/resources/config.ts';
import { effectiveSpec } from '../src/resources/effective.ts';
import { knownClusterSpec } from '../src/resources/settings-level.ts';
import { type StructuralSchema, schemaOf } from './manifests.ts';
import { tenant } from './tenant-fixture.ts';

/**
 * Settings of the config that the services of a level take and those of the level below refuse, of all levels that
 * were released. A list does not change any more.
 */
const RELEASED = JSON.parse(
  readFileSync(join(import.meta.dirname, 'testdata/settings-of-levels.json'), 'utf8'),
) as Readonly<Record<string, readonly string[]>>;

/** A value of a schema in which every field is set. What strings say does not matter. */
function everyField(schema: StructuralSchema): unknown {
  if (schema['x-kubernetes-int-or-string']) return 1;
  if (schema.enum) return schema.enum[0];
  switch (schema.type) {
    case 'object': {
      const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => [
        name,
        everyField(field),
      ]);
      return Object.fromEntries(
        schema.additionalProperties ? [...fields, ['key', everyField(schema.additionalProperties)]] : fields,
      );
    }
    case 'array':
      return [everyField(schema.items ?? {})];
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    default:
      return 'text';
  }
}

function specOf(plural: 'openimclusters' | 'openimtenants'): unknown {
  const { spec } = schemaOf(plural).properties ?? {};
  assert.ok(spec);
  return everyField(spec);
}

/** Paths of all values in a tree; items of a list are `[]`, numbers as keys `<key>`. */
function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, child]) => {
    const name = /^\d+$/.test(key) ? '<key>' : key;
    return child === undefined ? [] : pathsOf(child, path === '' ? name : `${path}.${name}`);
  });
}

/** Settings that the operator writes for services of a level when every field of the resources is set. */
function written(level: number): string[] {
  const cluster = knownClusterSpec(specOf('openimclusters') as OpenIMClusterSpec, level).spec;
  // Whether the values are valid does not matter.
  const key = `whsec_${Buffer.alloc(24).toString('base64')}`;
  const sources = { lookup: () => ({ text: key }), inForce: () => undefined };
  const { entry } = judgeTenant(tenant('a', 0, specOf('openimtenants') as OpenIMTenantSpec), level, sources);
  const tree = configTree({
    owner: { namespace: 'ns', name: 'im', uid: 'uid' },
    effective: effectiveSpec(cluster, { version: '1.0.0', image: 'im:1.0.0' }),
    endpoints: { natsServers: ['nats'], natsReplicas: 3, s3Endpoint: 's3', s3Region: 'region' },
    tenants: [entry],
    files: {},
    objectsURL: 'objects',
    rpcKey: 'none',
  });
  return [...new Set(pathsOf(tree))].sort();
}

const SHORT_OF_A_LEVEL =
  'services of this level refuse these settings: name their fields in CLUSTER_FIELD_LEVELS or TENANT_FIELD_LEVELS of operator/src/resources/settings-level.ts, and raise SETTINGS_LEVEL unless the newest level is not released yet';

for (let level = 0; level < SETTINGS_LEVEL; level++) {
  test(`services of level ${level} are sent no setting that they refuse`, () => {
    const known = Object.entries(RELEASED).flatMap(([since, paths]) => (Number(since) <= level ? paths : []));
    assert.ok(RELEASED[level], `testdata/settings-of-levels.json has the settings of level ${level}`);
    const refused = written(level).filter((path) => !known.includes(path));
    assert.deepEqual(refused, [], SHORT_OF_A_LEVEL);
  });
}

test('every field of the resources that becomes a setting is set', () => {
  const paths = written(SETTINGS_LEVEL);
  for (const path of ['limits.userCommands', 'cron.objectGroups[]', 'tenants[].userLimits.messageBurst'])
    assert.ok(paths.includes(path), path);
});
