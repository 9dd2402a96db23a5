import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  ANNOTATION,
  API_GROUP,
  clusterSelector,
  nameOf,
  REVISION_HASH_LABEL,
  REVISION_LABEL,
  selectorLabels,
} from '@im/operator';
import { type CustomKind, customKinds, fieldAt, unknownFields } from './crd-schemas.ts';

const KINDS = customKinds();
const ROOT = join(import.meta.dirname, '../..');

/** Flags with a value, by all their names. */
const VALUES: Readonly<Record<string, string>> = {
  ...{ '-n': 'namespace', '--namespace': 'namespace', '-l': 'selector', '--selector': 'selector' },
  ...{ '-o': 'output', '--output': 'output', '-p': 'patch', '--patch': 'patch', '--type': 'type' },
  ...{ '--for': 'for', '--timeout': 'timeout', '-f': 'file', '--filename': 'file', '--replicas': 'replicas' },
  ...{ '--context': 'context', '--kubeconfig': 'kubeconfig', '-c': 'container', '--container': 'container' },
  '--duration': 'duration',
};
/** Flags without one. */
const SWITCHES = new Set([
  ...['-A', '--all-namespaces', '--all', '--overwrite', '--server-side', '--force-conflicts', '--force'],
  ...['--ignore-daemonsets', '-w', '--watch', '--follow', '--previous'],
]);
/** Kinds of Kubernetes itself that commands name. */
const BUILT_IN = new Set([
  ...[
    'pod',
    'pods',
    'pvc',
    'secret',
    'secrets',
    'service',
    'services',
    'deployment',
    'deployments',
    'node',
    'nodes',
  ],
  ...[
    'statefulset',
    'statefulsets',
    'configmap',
    'configmaps',
    'namespace',
    'namespaces',
    'crd',
    'crds',
    'event',
  ],
  ...['events', 'controllerrevisions', 'token'],
]);
/** Verbs, and whether a resource comes next. */
const VERBS: Readonly<Record<string, boolean>> = {
  ...{
    get: true,
    describe: true,
    delete: true,
    edit: true,
    wait: true,
    patch: true,
    annotate: true,
    scale: true,
  },
  ...{ apply: false, create: true, rollout: true, cordon: false, uncordon: false, drain: false },
  ...{ 'port-forward': true, logs: true, auth: false },
};
/** Plugins of kubectl, whose words are checked elsewhere or not ours. */
const PLUGINS = new Set(['krew', 'openim']);
const LABELS: ReadonlyMap<string, readonly string[] | undefined> = new Map<
  string,
  readonly string[] | undefined
>([
  ['app.kubernetes.io/name', [...Object.values(selectorLabels('x', 'api')).slice(0, 1), 'openim-operator']],
  ['app.kubernetes.io/managed-by', [/managed-by=([^,]+)/.exec(clusterSelector('x'))?.[1] ?? '']],
  ...['app.kubernetes.io/instance', 'app.kubernetes.io/component', REVISION_LABEL, REVISION_HASH_LABEL].map(
    (key) => [key, undefined] as const,
  ),
]);
/** Keys of Secrets that commands read or write, by the name of the Secret of the cluster `chat` or the tenant `shop`. */
const SECRETS: Readonly<Record<string, readonly string[]>> = {
  [nameOf.admin('chat')]: ['adminSecret', 'adminUser'],
  [nameOf.adminElsewhere('shop')]: ['adminSecret', 'adminUser'],
  [nameOf.credentials('chat')]: ['rpcKeyRotate'],
  [nameOf.tenants('chat')]: [],
};

interface Parsed {
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, string>>;
}

function parsed(args: readonly string[]): Parsed {
  const words: string[] = [];
  const flags: Record<string, string> = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    const [, name = arg, value] = /^(--?[a-z][\w-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (!arg.startsWith('-') || arg === '-') words.push(arg);
    else if (VALUES[name] !== undefined) flags[VALUES[name]] = value ?? args[++i] ?? '';
    else if (!SWITCHES.has(arg)) throw new Error(`there is no flag ${name} in the table of this test`);
  }
  return { words, flags };
}

const isPlaceholder = (word: string) => word === '...' || /^<[^>]+>$|^[A-Z]+$|\$/.test(word);

/** Paths in a template of jsonpath. */
function pathsIn(template: string): string[][] {
  return [...template.matchAll(/\{\s*\.([^}]*)\}/g)].map(([, path = '']) =>
    path
      .replace(/\[[^\]]*\]/g, '.*')
      .split(/(?<!\\)\./)
      .filter((step) => step !== '')
      .map((step) => step.replace(/\\\./g, '.')),
  );
}

function selectorFault(selector: string): string | undefined {
  for (const part of selector.split(',')) {
    const [key = '', value] = part.split('=');
    if (!LABELS.has(key)) return `no object has the label ${key}`;
    const values = LABELS.get(key);
    if (values && value !== undefined && !values.includes(value))
      return `no label ${key} has the value ${value}`;
  }
  return undefined;
}

function annotationFault(words: readonly string[]): string | undefined {
  const known: readonly string[] = Object.values(ANNOTATION);
  for (const word of words) {
    const [key = ''] = word.split('=');
    if (key.startsWith(`${API_GROUP}/`) && !known.includes(key.replace(/-$/, '')))
      return `there is no annotation ${key}`;
  }
  return undefined;
}

function fieldFault(kind: CustomKind, { flags }: Parsed): string | undefined {
  if (flags.patch !== undefined && !isPlaceholder(flags.patch)) {
    const [unknown] = unknownFields(kind.schema, JSON.parse(flags.patch));
    if (unknown !== undefined) return `${kind.crd} has no field ${unknown}`;
  }
  for (const template of [flags.output, flags.for].filter((each) => each?.startsWith('jsonpath=')))
    for (const path of pathsIn(template ?? ''))
      if (!fieldAt(kind.schema, path)) return `${kind.crd} has no field ${path.join('.')}`;
  const [, condition] = /^condition=(\w+)/.exec(flags.for ?? '') ?? [];
  const known = fieldAt(kind.schema, ['status', 'conditions'])?.description ?? '';
  if (condition !== undefined && !new RegExp(`\\b${condition}\\b`).test(known))
    return `status.conditions of ${kind.crd} has no ${condition}`;
  return undefined;
}

function secretFault(names: readonly string[], { flags }: Parsed): string | undefined {
  for (const name of names) {
    const keys = SECRETS[name];
    if (isPlaceholder(name)) continue;
    if (!keys) return `the operator makes no Secret ${name}`;
    const patch: { stringData?: object } = JSON.parse(flags.patch ?? '{}');
    const read = pathsIn(flags.output ?? '').flatMap(([part, key]) => (part === 'data' && key ? [key] : []));
    for (const key of [...read, ...Object.keys(patch.stringData ?? {})])
      if (!keys.includes(key)) return `the Secret ${name} has no key ${key}`;
  }
  return undefined;
}

/**
 * What is wrong with a call of kubectl: an unknown verb, flag, kind, field, label, annotation, Secret or file.
 * @param args what follows `kubectl`. @param made files that commands before it write.
 */
export function kubectlFault(
  args: readonly string[],
  made: ReadonlySet<string> = new Set(),
): string | undefined {
  if (PLUGINS.has(args[0] ?? '')) return undefined;
  const call = parsed(args);
  const { words, flags } = call;
  const [verb = '', ...rest] = words;
  if (!Object.hasOwn(VERBS, verb)) return `there is no verb ${verb} in the table of this test`;
  const { file, selector } = flags;
  if (file !== undefined && file !== '-' && !isPlaceholder(file) && !URL.canParse(file))
    if (!made.has(file) && !existsSync(join(ROOT, file))) return `there is no file ${file}`;
  const label = selector === undefined ? undefined : selectorFault(selector);
  if (label !== undefined) return label;
  if (!VERBS[verb]) return undefined;
  // A call that is only named has no resource.
  const [what, ...names] = verb === 'rollout' ? rest.slice(1) : rest;
  if (what === undefined) return undefined;
  if (['logs', 'port-forward'].includes(verb) && !what.includes('/')) return undefined;
  const [types = '', inType] = what.split('/');
  for (const type of types.split(',')) {
    const kind = KINDS.find((each) => each.names.includes(type));
    const fault = kind ? fieldFault(kind, call) : BUILT_IN.has(type) ? undefined : `there is no kind ${type}`;
    if (fault !== undefined) return fault;
    if (verb === 'scale' && kind && !kind.hasScale) return `${kind.crd} cannot be scaled`;
  }
  if (verb === 'annotate') return annotationFault(names);
  const named = [...(inType === undefined ? [] : [inType]), ...names];
  if (/^secrets?$/.test(types)) return secretFault(named, call);
  if (/^crds?$/.test(types)) {
    const unknown = named.find((name) => !isPlaceholder(name) && !KINDS.some(({ crd }) => crd === name));
    if (unknown !== undefined) return `there is no CRD ${unknown}`;
  }
  return undefined;
}
