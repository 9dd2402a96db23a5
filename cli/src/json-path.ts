import { usageError } from './exit-codes.ts';

/** One step of a path, from the values so far to those that it selects. */
type Step = (values: readonly unknown[]) => unknown[];

/** A part of a template. */
type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'path'; readonly steps: readonly Step[] }
  | { readonly kind: 'range'; readonly steps: readonly Step[]; readonly body: readonly Part[] };

/** Longest template. */
const MAX_LENGTH = 4_096;

function fail(template: string, why: string): Error {
  return usageError(
    `--output: jsonpath=${template}: ${why}; write it as {.items[*].name} or {range .items[*]}{.name}{"\\n"}{end}`,
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return isObject(value) ? Object.values(value) : [];
}

function descendants(value: unknown): unknown[] {
  return [value, ...childrenOf(value).flatMap(descendants)];
}

function field(name: string): Step {
  return (values) =>
    values.flatMap((value) =>
      isObject(value) && Object.hasOwn(value, name) && value[name] !== undefined ? [value[name]] : [],
    );
}

const everything: Step = (values) => values.flatMap(childrenOf);
const everyDepth: Step = (values) => values.flatMap(descendants);

function slice(from: string, to: string): Step {
  const bound = (text: string) => (text === '' ? undefined : Number(text));
  return (values) =>
    values.flatMap((value) => (Array.isArray(value) ? value.slice(bound(from) ?? 0, bound(to)) : []));
}

function element(index: number): Step {
  return (values) =>
    values.flatMap((value) => {
      const found = Array.isArray(value) ? value.at(index) : undefined;
      return found === undefined ? [] : [found];
    });
}

const COMPARISONS: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => Number(a) < Number(b),
  '<=': (a, b) => Number(a) <= Number(b),
  '>': (a, b) => Number(a) > Number(b),
  '>=': (a, b) => Number(a) >= Number(b),
};

function literal(text: string): unknown {
  const [, single, double] = /^(?:'(.*)'|"(.*)")$/.exec(text) ?? [];
  if (single !== undefined || double !== undefined) return single ?? double;
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return text !== '' && !Number.isNaN(number) ? number : undefined;
}

/** `@.path op literal`, or `@.path` for what exists. */
function filter(template: string, condition: string): Step {
  const [, path, operator, right] =
    /^@(\.[^=!<>\s]+)\s*(?:(==|!=|<=|>=|<|>)\s*(.+))?$/.exec(condition.trim()) ?? [];
  if (path === undefined) throw fail(template, `${condition} is not a condition such as @.name=="x"`);
  const steps = parsePath(template, path);
  const wanted = right === undefined ? undefined : literal(right.trim());
  if (right !== undefined && wanted === undefined) throw fail(template, `${right} is not a text or number`);
  return (values) =>
    values.flatMap(childrenOf).filter((value) => {
      const found = select(steps, value);
      if (operator === undefined) return found.length > 0;
      return found.some((each) => COMPARISONS[operator]?.(each, wanted));
    });
}

function bracket(template: string, inside: string): Step {
  if (inside === '*') return everything;
  if (inside.startsWith('?(') && inside.endsWith(')')) return filter(template, inside.slice(2, -1));
  const [, quoted] = /^(?:'(.*)'|"(.*)")$/.exec(inside)?.filter((each) => each !== undefined) ?? [];
  if (quoted !== undefined) return field(quoted);
  const [, from, to] = /^(-?\d*):(-?\d*)$/.exec(inside) ?? [];
  if (from !== undefined && to !== undefined) return slice(from, to);
  if (/^-?\d+$/.test(inside)) return element(Number(inside));
  throw fail(template, `[${inside}] is not an index, a name in quotes, * or ?(condition)`);
}

/** Where the bracket that opens at `start` closes. */
function closing(template: string, path: string, start: number): number {
  let quote = '';
  for (let at = start + 1, depth = 1; at < path.length; at++) {
    const character = path[at] as string;
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '[') depth += 1;
    else if (character === ']' && --depth === 0) return at;
  }
  throw fail(template, '[ is never closed');
}

function parsePath(template: string, text: string): Step[] {
  const path = text.startsWith('$') ? text.slice(1) : text;
  const steps: Step[] = [];
  for (let at = 0; at < path.length; ) {
    if (path.startsWith('..', at)) {
      steps.push(everyDepth);
      at += path[at + 2] === '[' ? 2 : 1;
    } else if (path[at] === '[') {
      const end = closing(template, path, at);
      steps.push(bracket(template, path.slice(at + 1, end)));
      at = end + 1;
    } else {
      const [all = '', name = ''] = /^\.?((?:\\.|[^.[\\])*)/.exec(path.slice(at)) ?? [];
      if (all === '') throw fail(template, `${path.slice(at)} is not a path`);
      if (name === '*') steps.push(everything);
      else if (name !== '') steps.push(field(name.replaceAll(/\\(.)/g, '$1')));
      else if (path.length > 1) throw fail(template, `a name is missing in ${path}`);
      at += all.length;
    }
  }
  return steps;
}

function select(steps: readonly Step[], value: unknown): unknown[] {
  return steps.reduce<unknown[]>((values, step) => step(values), [value]);
}

/** The pieces of a template: text as it is, and what is in braces. */
function pieces(template: string): { readonly text: string; readonly inBraces: boolean }[] {
  if (!template.includes('{')) return [{ text: template, inBraces: true }];
  const found: { text: string; inBraces: boolean }[] = [];
  for (let at = 0; at < template.length; ) {
    const open = template.indexOf('{', at);
    if (open !== at) {
      found.push({ text: template.slice(at, open < 0 ? undefined : open), inBraces: false });
      if (open < 0) break;
    }
    const [all, inside = ''] =
      /^\{((?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^{}"'])*)\}/.exec(template.slice(open)) ?? [];
    if (all === undefined) throw fail(template, '{ is never closed');
    found.push({ text: inside.trim(), inBraces: true });
    at = open + all.length;
  }
  return found;
}

function unescaped(text: string): string {
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
  return text.replaceAll(/\\(.)/g, (_, character: string) => escapes[character] ?? character);
}

function parse(template: string): readonly Part[] {
  const top: Part[] = [];
  const open: { steps: Step[]; body: Part[] }[] = [];
  for (const { text, inBraces } of pieces(template)) {
    const into = open.at(-1)?.body ?? top;
    const [, quoted] = /^(?:"(.*)"|'(.*)')$/s.exec(text)?.filter((each) => each !== undefined) ?? [];
    if (!inBraces) into.push({ kind: 'text', text });
    else if (quoted !== undefined) into.push({ kind: 'text', text: unescaped(quoted) });
    else if (text === 'end') {
      const ended = open.pop();
      if (ended === undefined) throw fail(template, '{end} without {range}');
      (open.at(-1)?.body ?? top).push({ kind: 'range', ...ended });
    } else if (/^range\s/.test(text)) {
      open.push({ steps: parsePath(template, text.slice('range'.length).trim()), body: [] });
    } else into.push({ kind: 'path', steps: parsePath(template, text.replace(/^@/, '')) });
  }
  if (open.length > 0) throw fail(template, '{range} without {end}');
  return top;
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

function render(parts: readonly Part[], value: unknown): string {
  return parts
    .map((part) => {
      switch (part.kind) {
        case 'text':
          return part.text;
        case 'path':
          return select(part.steps, value).map(textOf).join(' ');
        case 'range':
          return select(part.steps, value)
            .map((each) => render(part.body, each))
            .join('');
      }
      return part satisfies never;
    })
    .join('');
}

/**
 * Compiles a template as `kubectl -o jsonpath=` takes it: paths in braces with `.name`, `['name']`, `[0]`, `[1:3]`, `[*]`,
 * `..name` and `[?(@.name=="x")]`, texts in quotes, and `{range path}...{end}`. Several values have a space between them; what
 * does not exist is empty.
 * @throws CommandError `usage` that says what is wrong with it.
 */
export function jsonPath(template: string): (value: unknown) => string {
  if (template === '' || template.length > MAX_LENGTH)
    throw fail(template.slice(0, 40), `it must have 1 to ${MAX_LENGTH} characters`);
  const parts = parse(template);
  return (value) => render(parts, value);
}
