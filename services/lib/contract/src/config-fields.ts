import { z } from 'zod';
import { ServerConfig } from './config.ts';
import { TenantSettings } from './tenant-settings.ts';

/** One setting, as the reference page and the environment see it. */
export interface SettingField {
  /** Dotted path, such as `mongo.uri`. */
  readonly path: string;
  readonly description: string;
  readonly type: string;
  /** Undefined where one must be given. */
  readonly default: unknown;
  readonly secret: boolean;
  /** Least and most of a number; bounds that are absent are none. */
  readonly range: NumberRange;
}

/** Bounds of a number. */
export interface NumberRange {
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

/** One setting of the server's config. */
export interface ConfigField extends SettingField {
  /** Environment variable that overrides it; `<name>_FILE` names a file that holds the value. */
  readonly env: string;
  /** The variable's name in the version before, which this one still accepts. */
  readonly formerEnv: string;
}

interface JsonSchema extends NumberRange {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly default?: unknown;
  readonly description?: string;
  readonly secret?: boolean;
}

/** Every field of {@link ServerConfig}, in the order of the schema. Lists and maps count as one field. */
export function configFields(): readonly ConfigField[] {
  return fieldsOf(ServerConfig).map((field) => {
    const name = environmentName(field.path);
    return { ...field, env: `OPENIM_${name}`, formerEnv: `IM_${name}` };
  });
}

/** Every field of {@link TenantSettings}; values of maps as `<map>.<key>.<field>`. */
export function tenantFields(): readonly SettingField[] {
  return fieldsOf(TenantSettings);
}

/** Paths of secrets of a schema, entries of lists included, whose places are no part of the path. */
export function secretPaths(schema: z.ZodType): ReadonlySet<string> {
  const paths = new Set<string>();
  const visit = (node: JsonSchema, path: readonly string[]) => {
    if (node.secret) paths.add(path.join('.'));
    for (const [key, child] of Object.entries(node.properties ?? {})) visit(child, [...path, key]);
    if (node.items) visit(node.items, path);
  };
  visit(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, []);
  return paths;
}

function environmentName(path: string): string {
  const parts = path.split('.').map((part) => part.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase());
  return parts.join('_');
}

function fieldsOf(schema: z.ZodType): SettingField[] {
  const fields: SettingField[] = [];
  const visit = (node: JsonSchema, path: readonly string[]) => {
    if (node.properties) {
      for (const [key, child] of Object.entries(node.properties)) visit(child, [...path, key]);
      return;
    }
    fields.push({
      path: path.join('.'),
      description: node.description ?? '',
      type: typeName(node),
      default: node.default,
      secret: node.secret ?? false,
      range: rangeOf(node),
    });
    const values = node.additionalProperties;
    if (typeof values === 'object' && values.properties) visit(values, [...path, '<key>']);
  };
  visit(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, []);
  return fields;
}

function rangeOf({ minimum, exclusiveMinimum, maximum }: JsonSchema): NumberRange {
  return {
    ...(minimum === undefined ? {} : { minimum }),
    ...(exclusiveMinimum === undefined ? {} : { exclusiveMinimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}

function typeName(node: JsonSchema): string {
  if (node.enum) return node.enum.join(' | ');
  if (node.const !== undefined) return String(node.const);
  if (node.anyOf) return node.anyOf.map(typeName).join(' | ');
  if (node.type === 'array') return `list of ${node.items ? typeName(node.items) : 'values'}`;
  if (node.type === 'object') return 'map';
  return node.type ?? 'value';
}
