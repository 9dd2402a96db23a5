/** Former values of a field, with those that replace them. */
type Values = Readonly<Record<string, string>>;

/** A field of a custom resource that has another name, or other values, than in earlier versions. */
export interface RenamedField {
  /** Former path below `spec`. */
  readonly from: string;
  /** Present path below `spec`; equal to `from` where only values differ. */
  readonly to: string;
  readonly values?: Values;
}

const MULTI_LOGIN = { 0: 'None', 1: 'SamePlatform', 4: 'SameTerminalClass', 5: 'AllButPC' } as const;
const PROVIDER = { none: 'None', log: 'Log' } as const;
const CONTENT = { full: 'Full', title: 'Title', none: 'None' } as const;
const USERS = { all: 'All', withoutToken: 'WithoutToken' } as const;
const WEBHOOK_USERS = { none: 'None', ...USERS } as const;
const SECURITY = { starttls: 'StartTLS', tls: 'TLS', none: 'None' } as const;
const WHEN = { daily: 'Daily', problems: 'Problems' } as const;
const CALLERS = { administrators: 'Administrators', users: 'Users' } as const;

const moved = (section: string, to: string, names: readonly string[]): RenamedField[] =>
  names.map((name) => ({ from: `${section}.${name}`, to: `${section}.${to}.${name}` }));

const changed = (path: string, values: Values): RenamedField => ({ from: path, to: path, values });

const pushValues = (section: string): RenamedField[] => [
  changed(`${section}.content`, CONTENT),
  changed(`${section}.providers.getui.users`, USERS),
  changed(`${section}.providers.jpush.users`, USERS),
  changed(`${section}.providers.webhook.users`, WEBHOOK_USERS),
];

/** The renamed fields of each custom resource. */
export const RENAMED_FIELDS: Readonly<
  Record<'OpenIMCluster' | 'OpenIMTenant' | 'OpenIMTenantClass', readonly RenamedField[]>
> = {
  OpenIMTenantClass: [],
  OpenIMCluster: [
    { from: 'gateway.drain.maxPerSecond', to: 'gateway.drain.maxConnectionsPerSecond' },
    changed('push.provider', PROVIDER),
    ...pushValues('offlinePush'),
    ...moved('cron', 'schedules', [
      ...['messageExpiry', 'objectExpiry', 'uploadExpiry', 'tokenExpiry', 'messageDestruct'],
      ...['pushTokenExpiry', 'indexReport', 'healthReport', 'statistics'],
    ]),
    ...moved('cron', 'retention', [
      ...['objectDays', 'objectGroups', 'pushTokenDays', 'auditDays', 'statisticsDays'],
    ]),
  ],
  OpenIMTenant: [
    changed('tokenPolicy.multiLogin', MULTI_LOGIN),
    ...pushValues('push'),
    changed('mail.security', SECURITY),
    changed('healthReport.when', WHEN),
    changed('verification.callers', CALLERS),
  ],
};

/**
 * A spec with present names and values in place of former ones. The API server takes no former ones any more, but
 * returns those that it stored before. A present field takes precedence over its former name.
 */
export function withPresentNames<T extends object>(kind: keyof typeof RENAMED_FIELDS, spec: T): T {
  return RENAMED_FIELDS[kind].reduce<object>((tree, { from, to, values }) => {
    const path = from.split('.');
    const value = valueAt(tree, path);
    if (value === undefined) return tree;
    const present = values?.[String(value)] ?? value;
    if (from === to && present === value) return tree;
    const rest = from === to ? tree : without(tree, path);
    const target = to.split('.');
    return from !== to && valueAt(rest, target) !== undefined ? rest : withValue(rest, target, present);
  }, spec) as T;
}

/** A message of the services, with fields of OpenIMCluster in place of the settings that have other names. */
export function withFieldNames(message: string): string {
  return RENAMED_FIELDS.OpenIMCluster.filter(({ from, to }) => from !== to).reduce(
    (text, { from, to }) => text.replaceAll(`${from}:`, `spec.${to}:`),
    message,
  );
}

const SETTING_VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  multiLogin: inverted(MULTI_LOGIN),
  provider: inverted(PROVIDER),
  content: inverted(CONTENT),
  users: inverted(WEBHOOK_USERS),
  security: inverted(SECURITY),
  when: inverted(WHEN),
  callers: inverted(CALLERS),
};

/** What the services call the value of a field, such as `withoutToken` for `WithoutToken` of `users`. */
export function settingValue(field: string, value: string): string {
  return SETTING_VALUES[field]?.[value] ?? value;
}

function inverted(values: Values): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([former, present]) => [present, former]));
}

type Tree = Readonly<Record<string, unknown>>;

function valueAt(tree: unknown, [key, ...below]: readonly string[]): unknown {
  if (key === undefined) return tree;
  if (typeof tree !== 'object' || tree === null) return undefined;
  return valueAt((tree as Tree)[key], below);
}

/** A copy without the value at a path, which must exist. */
function without(tree: object, [key = '', ...below]: readonly string[]): object {
  const { [key]: value, ...rest } = tree as Tree;
  return below.length === 0 ? rest : { ...rest, [key]: without(value as object, below) };
}

function withValue(tree: object, [key = '', ...below]: readonly string[], value: unknown): object {
  const inner = ((tree as Tree)[key] ?? {}) as object;
  return { ...tree, [key]: below.length === 0 ? value : withValue(inner, below, value) };
}
