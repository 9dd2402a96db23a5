// Writes the TypeScript types of the custom resources and docs/reference/crds.md from crds/*.yaml;
// with `--check` it writes nothing and fails when a file is not what the schemas say.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, parseDocument, visit } from 'yaml';
import { RENAMED_FIELDS, type RenamedField } from '../src/resources/renamed-fields.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly (string | number)[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly {
    readonly rule: string;
    readonly message?: string;
    /** Field below this one that the rule is about. */
    readonly fieldPath?: string;
  }[];
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: keyof typeof RENAMED_FIELDS; readonly plural: string };
    readonly versions: readonly [
      { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } },
    ];
  };
}

const root = join(import.meta.dirname, '../..');
const check = process.argv.includes('--check');
const faults: string[] = [];

/** Fields of an object without former names, which the API server refuses. */
function fieldsOf({ properties = {} }: Schema): [name: string, schema: Schema][] {
  const isRefused = (child: Schema) =>
    child['x-kubernetes-validations']?.some(({ rule }) => rule === 'false');
  return Object.entries(properties).filter(([, child]) => !isRefused(child));
}

/** A parsed file, with the names that its author gave to parts that are used several times. */
function readDefinition(file: string): { definition: Definition; names: Map<unknown, string> } {
  const document = parseDocument(readFileSync(file, 'utf8'));
  if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}`);
  const definition = document.toJS({ maxAliasCount: -1 }) as Definition;
  const names = new Map<unknown, string>();
  visit(document, {
    Map(_key, node, path) {
      if (node.anchor === undefined) return;
      let at: unknown = definition;
      for (const [i, parent] of path.entries()) {
        const next = path[i + 1] ?? node;
        if (!('key' in parent)) {
          if ('items' in parent && !isMap(parent))
            at = (at as unknown[])[parent.items.indexOf(next as never)];
          continue;
        }
        if (isScalar(parent.key)) at = (at as Record<string, unknown>)[String(parent.key.value)];
      }
      names.set(at, pascal(node.anchor));
    },
  });
  return { definition, names };
}

function pascal(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function typesOf({ definition, names }: ReturnType<typeof readDefinition>): string {
  const { kind } = definition.spec.names;
  const written = new Map<Schema, string>();
  const blocks: string[] = [];

  function interfaceOf(schema: Schema, name: string): string {
    const known = written.get(schema);
    if (known !== undefined) return known;
    written.set(schema, name);
    const required = new Set(schema.required);
    const fields = fieldsOf(schema).map(([key, child]) => {
      const doc = child.description === undefined ? [] : [`  /** ${child.description} */`];
      const type = typeOf(child, `${name.replace(/Spec$/, '')}${pascal(key)}`);
      return [...doc, `  readonly ${key}${required.has(key) ? '' : '?'}: ${type};`].join('\n');
    });
    const doc = schema.description === undefined ? '' : `/** ${schema.description} */\n`;
    blocks.push(`${doc}export interface ${name} {\n${fields.join('\n')}\n}`);
    return name;
  }

  function typeOf(schema: Schema, name: string): string {
    if (schema.anyOf) return 'string | number';
    if (schema.enum)
      return schema.enum
        .map((value) => (typeof value === 'string' ? `'${value}'` : String(value)))
        .join(' | ');
    switch (schema.type) {
      case 'integer':
      case 'number':
        return 'number';
      case 'string':
      case 'boolean':
        return schema.type;
      case 'array': {
        const item = typeOf(schema.items ?? {}, name.replace(/ies$/, 'y').replace(/([^s])s$/, '$1'));
        return `readonly ${item.includes(' | ') ? `(${item})` : item}[]`;
      }
      default:
        if (schema.properties) return interfaceOf(schema, names.get(schema) ?? name);
        return schema.additionalProperties
          ? `Readonly<Record<string, ${typeOf(schema.additionalProperties, name)}>>`
          : 'Readonly<Record<string, unknown>>';
    }
  }

  const { openAPIV3Schema } = definition.spec.versions[0].schema;
  for (const part of ['spec', 'status']) {
    const schema = openAPIV3Schema.properties?.[part];
    if (schema) interfaceOf(schema, `${kind}${pascal(part)}`);
  }
  return blocks.join('\n\n');
}

function pageOf({ definition }: ReturnType<typeof readDefinition>): string[] {
  const { kind } = definition.spec.names;
  const { name, schema } = definition.spec.versions[0];
  const rows: string[] = [];
  const rules: string[] = [];
  const visitField = (node: Schema, path: string) => {
    for (const rule of node['x-kubernetes-validations'] ?? []) {
      rules.push(`- \`${`${path}${rule.fieldPath ?? ''}` || 'the resource'}\`: ${rule.message ?? rule.rule}`);
    }
    if (node.items) visitField(node.items, `${path}[]`);
    for (const [key, child] of fieldsOf(node)) {
      const below = path === '' ? key : `${path}.${key}`;
      if (path === '' && key !== 'spec' && key !== 'status') continue;
      const must = node.required?.includes(key) && path !== '' ? ' **Required.**' : '';
      rows.push(`| \`${below}\` | ${typeName(child)} | ${cell(child.description ?? '')}${must} |`);
      visitField(child, below);
    }
  };
  visitField(schema.openAPIV3Schema, '');
  return [
    `## ${kind}`,
    '',
    `\`apiVersion: ${definition.spec.group}/${name}\`, \`kind: ${kind}\`. ${schema.openAPIV3Schema.description ?? ''}`,
    '',
    '| field | type | |',
    '|---|---|---|',
    ...rows,
    '',
    'Refused by the API server:',
    '',
    ...new Set(rules),
    '',
    ...renamedTable(RENAMED_FIELDS[kind]),
  ];
}

function renamedTable(fields: readonly RenamedField[]): string[] {
  if (fields.length === 0) return [];
  const code = (text: string) => `\`${text}\``;
  const rows = fields.map(({ from, to, values = {} }) => {
    const changes = Object.entries(values).map(([former, present]) => `${code(former)} is ${code(present)}`);
    return `| ${code(`spec.${from}`)} | ${from === to ? 'the same' : code(`spec.${to}`)} | ${changes.join(', ')} |`;
  });
  return [
    'Renamed in this version; the API server refuses what is in the first column, and former values:',
    '',
    '| former field | field | values |',
    '|---|---|---|',
    ...rows,
    '',
  ];
}

function typeName(schema: Schema): string {
  if (schema.anyOf) return 'quantity';
  if (schema.enum) return cell(schema.enum.join(' | '));
  if (schema.type === 'array') return `list of ${typeName(schema.items ?? {})}`;
  return schema.type ?? 'value';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function write(path: string, text: string): void {
  const file = join(root, path);
  if (!check) writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    faults.push(`${path} is not what crds/ says: run make docs`);
  }
}

const files = readdirSync(join(root, 'crds')).filter((name) => name.endsWith('.yaml'));
const page = [
  '# Custom resources',
  '',
  'All fields of the custom resources. The schemas set no defaults: an absent field stays absent, and `status.effective` has',
  'the effective value.',
  '',
];
for (const name of files.sort()) {
  const read = readDefinition(join(root, 'crds', name));
  const kind = read.definition.spec.names.kind;
  const target = `operator/src/gen/${kind.toLowerCase()}.ts`;
  write(target, `// Made from crds/${name} by operator/scripts/crd-types.ts.\n\n${typesOf(read)}\n`);
  page.push(...pageOf(read));
}
write('docs/reference/crds.md', `${page.join('\n').trimEnd()}\n`);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
