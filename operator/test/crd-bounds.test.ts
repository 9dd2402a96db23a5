import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { ROOT, type StructuralSchema, schemaOf } from './manifests.ts';

const PLURALS = ['openimclusters', 'openimtenants', 'openimtenantclasses'] as const;

interface Schema extends StructuralSchema {
  readonly format?: string;
  readonly maxProperties?: number;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly Rule[];
}

interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly fieldPath?: string;
}

/** What a field lacks that bounds its size, or says how two field managers share it. */
function faultsOf(schema: Schema, path: string): string[] {
  const { type, maximum, format, maxLength, maxItems, pattern = '', additionalProperties: values } = schema;
  const isNumber = type === 'integer' || type === 'number';
  const lacks = {
    maximum: isNumber && maximum === undefined && !schema.enum,
    format: type === 'integer' && format === undefined,
    // A pattern may bound the length, too.
    maxLength: type === 'string' && !schema.enum && maxLength === undefined && !/[0-9]\}\$$/.test(pattern),
    maxItems: type === 'array' && maxItems === undefined,
    'list type': type === 'array' && schema['x-kubernetes-list-type'] === undefined,
    maxProperties: values !== undefined && schema.maxProperties === undefined,
    'maximum length of values': values?.type === 'string' && values.maxLength === undefined,
    description:
      path !== '' && type !== undefined && !path.endsWith('[]') && schema.description === undefined,
  };
  return [
    ...Object.entries(lacks).flatMap(([what, lacking]) => (lacking ? [`${path}: ${what}`] : [])),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
      faultsOf(child, path === '' ? name : `${path}.${name}`),
    ),
    ...(schema.items ? faultsOf(schema.items, `${path}[]`) : []),
  ];
}

function rulesOf(schema: Schema): Rule[] {
  return [
    ...(schema['x-kubernetes-validations'] ?? []),
    ...[...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])].flatMap(rulesOf),
  ];
}

for (const plural of PLURALS) {
  const { spec } = (schemaOf(plural) as Schema).properties ?? {};
  assert.ok(spec);

  test(`${plural}: every number, text, list and map has a bound, and every list its type`, () => {
    assert.deepEqual(faultsOf(spec, ''), []);
  });

  test(`${plural}: every rule has a message, and lines that a person can read`, () => {
    const rules = rulesOf(spec);
    assert.ok(rules.length > 0);
    for (const { rule, message } of rules) assert.ok((message ?? '').length > 10, rule);
    const text = readFileSync(join(ROOT, `crds/${plural}.openim.io.yaml`), 'utf8');
    const lines = text
      .split('\n')
      .filter((line) => /self\b.*(==|\|\||has\()/.test(line) && !/description:|message:/.test(line));
    assert.deepEqual(
      lines.filter((line) => line.trim().length > 140),
      [],
    );
    assert.ok(parse(text, { maxAliasCount: -1 }));
  });
}
