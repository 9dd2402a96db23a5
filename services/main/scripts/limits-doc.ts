// Prints docs/reference/limits.md.
import { describeRoutes, type RouteDescription } from '@im/api';
import { configFields, type SettingField, tenantFields } from '@im/contract';
import { describeRequests } from '@im/gateway';
import { type FieldLimit, type MessageName, messageLimits } from '@im/protocol';

const number = (n: number) => (Number.isFinite(n) ? n.toLocaleString('en-US') : 'any');

function single(limit: FieldLimit): string | undefined {
  switch (limit.kind) {
    case 'id':
      return `${number(limit.chars)} characters, no control characters`;
    case 'text':
      return `${number(limit.chars)} characters`;
    case 'bytes':
      return `${number(limit.bytes)} bytes`;
    case 'number':
      return Math.abs(limit.most) > Number.MAX_SAFE_INTEGER
        ? 'any number; clipped'
        : `${number(limit.least)} to ${number(limit.most)}`;
    case 'message':
    case 'bool':
      return undefined;
    default:
      return limit satisfies never;
  }
}

function inWords(limit: FieldLimit): string | undefined {
  const one = single(limit);
  if (limit.entries === undefined) return one;
  const keys = limit.keyChars === undefined ? '' : `, keys of ${number(limit.keyChars)} characters`;
  return `${number(limit.entries)} entries${keys}${one === undefined ? '' : `; each ${one}`}`;
}

/** Fields by name and limit, with the messages that have them. */
function fieldRows(names: Iterable<MessageName>): string[] {
  const rows = new Map<string, Set<string>>();
  const seen = new Set<MessageName>();
  const walk = (name: MessageName) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const [field, limit] of messageLimits(name)) {
      const words = inWords(limit);
      if (words !== undefined) {
        const row = `| \`${field}\` | ${words} |`;
        rows.set(row, (rows.get(row) ?? new Set()).add(name));
      }
      if (limit.kind === 'message') walk(limit.message);
    }
  };
  for (const name of names) walk(name);
  const named = [...rows].map(([row, messages]) => {
    const most = [...messages].sort();
    const text = most.length > 4 ? `${most.length} messages` : most.map((m) => `\`${m}\``).join(', ');
    return `${row} ${text} |`;
  });
  return named.sort((a, b) => (a < b ? -1 : 1));
}

function bodyRows(routes: readonly RouteDescription[]): string[] {
  const bySize = Map.groupBy(routes, ({ bodyLimit }) => bodyLimit);
  return [...bySize]
    .sort(([a], [b]) => a - b)
    .map(([size, of], i) => {
      const paths = of.map(({ route }) => `\`${route.replace('POST ', '')}\``).join(', ');
      const bytes = Number.isFinite(size) ? `${number(size)} bytes` : '`api.bodyLimitBytes`';
      return `| ${bytes} | ${i === 0 ? 'all others' : paths} |`;
    });
}

function settingRows(fields: readonly SettingField[]): string[] {
  return fields
    .filter(({ type, path }) => /integer|number/.test(type) && !/[pP]ort$/.test(path))
    .map(({ path, description, default: standard }) => {
      const value = standard === undefined ? 'unset' : `\`${JSON.stringify(standard)}\``;
      return `| \`${path}\` | ${value} | ${description.replaceAll('|', '\\|')} |`;
    });
}

const routes = describeRoutes();
const requests = describeRequests();
const names = [
  ...routes.flatMap(({ requests: of }) => of),
  ...requests.flatMap(({ request }) => request ?? []),
];
const lines = [
  '# Limits',
  '',
  'What a client may send, and how much of everything a server takes. A request above a limit of its fields is answered',
  'with 1001; `errDlt` names the field, its limit and what it had. Why they are where they are:',
  '[limits by schema](../decisions/limits.md).',
  '',
  '## Fields',
  '',
  'Of HTTP requests and of requests over WebSocket. Routes may ask for more: see [HTTP routes](../compatibility.md).',
  '',
  '| field | limit | messages |',
  '|---|---|---|',
  ...fieldRows(names),
  '',
  '## Requests over WebSocket',
  '',
  '| identifier | message |',
  '|---|---|',
  ...requests.map(
    ({ identifier, request }) => `| ${identifier} | ${request ? `\`${request}\`` : 'refused'} |`,
  ),
  '',
  'A message is at most 262,144 bytes as a whole, and its ids at most 256 bytes each.',
  '',
  '## Bodies of HTTP requests',
  '',
  'Largest body, after decompression too. `api.bodyLimitBytes` holds for all of them.',
  '',
  '| most | routes |',
  '|---|---|',
  ...bodyRows(routes.filter(({ route }) => route.startsWith('POST'))),
  '',
  '## Settings',
  '',
  'Limits, rates, sizes and times of [the configuration](config.md).',
  '',
  '| setting | default | |',
  '|---|---|---|',
  ...settingRows(configFields().filter(({ path }) => !path.startsWith('tenants'))),
  '',
  '## Settings of a tenant',
  '',
  '| setting | default | |',
  '|---|---|---|',
  ...settingRows(tenantFields()),
];
process.stdout.write(`${lines.join('\n')}\n`);
