import { randomBytes } from 'node:crypto';
import { keyID } from '@im/contract';
import type { OpenIMTenantKeys } from '../gen/openimtenant.ts';
import { type TenantEntry, tenantKeys, tenantsFile } from './config.ts';

/** What a tenant has a key for. */
export type KeyPurpose = 'signing' | 'admin';

/** How far the keys of one purpose are. */
interface RotationState {
  /** The rotation that was started last. */
  readonly rotation?: string;
  /** `next`: the second key is loaded by all processes before it is used; `former`: it was in use before. */
  readonly second?: 'next' | 'former';
  /** Since when the first key is in use, ISO. */
  readonly since?: string;
  /** Until when the former key passes, ISO. */
  readonly until?: string;
}

/** How far the keys of a tenant are, as kept in the Secret of tenants. */
export type KeyState = Readonly<Partial<Record<KeyPurpose, RotationState>>>;

type Values = Readonly<Record<string, string>>;

/** Entries of the Secret of tenants to write; null removes one. */
export type KeyChanges = Readonly<Record<string, string | null>>;

/** A key as status shows it. */
export interface KeyReport {
  readonly purpose: 'Signing' | 'Admin';
  readonly id: string;
  readonly state: 'Current' | 'Next' | 'Former';
  readonly since?: string;
  readonly until?: string;
}

/** What is done about the keys of a tenant, and what status says of it. */
export interface KeyPlan {
  readonly changes: KeyChanges;
  readonly keys: readonly KeyReport[];
  /** What the spec asks for and is not done yet; undefined when all is. */
  readonly pending?: {
    readonly reason: 'LoadingKey' | 'OverlapRunning' | 'ServicesTooOld';
    readonly message: string;
  };
  /** Whether the spec asks for anything. */
  readonly wanted: boolean;
}

/** Lowest settings level of services that know a second key. */
export const KEYS_LEVEL = 1;
/** @default of `spec.keys.*.overlapHours` */
const OVERLAP_HOURS = 168;
const HOUR_MS = 3_600_000;

const PURPOSES = {
  signing: {
    label: 'Signing',
    setting: 'tokenSecret',
    second: 'secondTokenSecret',
    until: 'secondTokenSecretUntil',
  },
  admin: {
    label: 'Admin',
    setting: 'adminSecret',
    second: 'secondAdminSecret',
    until: 'secondAdminSecretUntil',
  },
} as const;
const NAMES = Object.keys(PURPOSES) as readonly KeyPurpose[];

/** A random key. */
export function makeTenantKey(purpose: KeyPurpose): string {
  return randomBytes(purpose === 'signing' ? 32 : 18).toString('hex');
}

/** Entries of a tenant in the Secret of tenants that a rotation needs. */
export function rotationKeys(id: string) {
  return { signing: `${id}.token-secret-2`, admin: `${id}.admin-secret-2`, state: `${id}.keys` } as const;
}

/** Whether a tenant has, or asks for, more than its generated keys. */
export function hasRotation(id: string, spec: OpenIMTenantKeys | undefined, secrets: Values): boolean {
  return spec !== undefined || secrets[rotationKeys(id).state] !== undefined;
}

/** What status says of a tenant with its generated keys alone; undefined while it has none. */
export function generatedKeys(id: string, secrets: Values): KeyPlan | undefined {
  const { token, admin } = tenantKeys(id);
  const [signing, secret] = [secrets[token], secrets[admin]];
  if (signing === undefined || secret === undefined) return undefined;
  const keys = [...reports('signing', {}, signing, undefined), ...reports('admin', {}, secret, undefined)];
  return { changes: {}, keys, wanted: false };
}

/** The settings that name a tenant's second keys. */
export function secondKeySettings(id: string, secrets: Values, level: number): Partial<TenantEntry> {
  if (level < KEYS_LEVEL) return {};
  const state = stateOf(id, secrets);
  const names = rotationKeys(id);
  const settings = NAMES.flatMap((purpose) => {
    const { second, until } = state[purpose] ?? {};
    if (second === undefined || secrets[names[purpose]] === undefined) return [];
    const setting = PURPOSES[purpose];
    return [
      [setting.second, tenantsFile(names[purpose])],
      ...(second === 'former' && until !== undefined ? [[setting.until, until]] : []),
    ];
  });
  return Object.fromEntries(settings) as Partial<TenantEntry>;
}

/** Input of {@link planKeys}. */
export interface KeyPlanInput {
  readonly id: string;
  readonly spec: OpenIMTenantKeys | undefined;
  /** The Secret of tenants. */
  readonly secrets: Values;
  /** Settings level of the services. */
  readonly level: number;
  /** The complete entry that all running processes have; undefined while they differ. */
  readonly inForce: () => Readonly<Record<string, unknown>> | undefined;
  readonly now: Date;
  /** Makes a key. @default {@link makeTenantKey} */
  readonly make?: (purpose: KeyPurpose) => string;
}

/**
 * The next step of the rotations of a tenant; a pure function but for `make`. A new key first passes in all processes,
 * then it is used, and the former one passes until its end: no process ever sees a token of a key that it does not know.
 */
export function planKeys(input: KeyPlanInput): KeyPlan {
  const { id, spec, secrets } = input;
  const before = stateOf(id, secrets);
  const steps = NAMES.map((purpose) => step(purpose, before[purpose] ?? {}, input));
  const after = Object.fromEntries(
    NAMES.flatMap((purpose, i) => (steps[i]?.state === undefined ? [] : [[purpose, steps[i].state]])),
  );
  const text = Object.keys(after).length === 0 ? null : JSON.stringify(after);
  const name = rotationKeys(id).state;
  const changes: KeyChanges = Object.assign({}, ...steps.map((each) => each.changes));
  return {
    changes: text === (secrets[name] ?? null) ? changes : { ...changes, [name]: text },
    keys: steps.flatMap(({ keys }) => keys),
    pending: steps.find(({ pending }) => pending)?.pending,
    wanted:
      spec?.signing?.rotation !== undefined ||
      spec?.admin?.rotation !== undefined ||
      (spec?.revoked ?? []).length > 0,
  };
}

interface Step {
  readonly state: RotationState | undefined;
  readonly changes: KeyChanges;
  readonly keys: readonly KeyReport[];
  readonly pending?: KeyPlan['pending'];
}

function step(purpose: KeyPurpose, state: RotationState, input: KeyPlanInput): Step {
  const { id, spec, secrets, level, inForce, now, make = makeTenantKey } = input;
  const { setting, second: secondSetting } = PURPOSES[purpose];
  const firstName = tenantKeys(id)[purpose === 'signing' ? 'token' : 'admin'];
  const secondName = rotationKeys(id)[purpose];
  const [first, second] = [secrets[firstName] ?? '', secrets[secondName]];
  const { rotation, overlapHours = OVERLAP_HOURS } = spec?.[purpose] ?? {};
  const isRevoked = (key: string) => spec?.revoked?.includes(keyID(key)) ?? false;
  const stay = (pending?: KeyPlan['pending'], next: RotationState = state): Step => ({
    state: isEmpty(next) ? undefined : next,
    changes: {},
    keys: reports(purpose, next, first, second),
    ...(pending && { pending }),
  });

  if (state.second === 'next' && second !== undefined) {
    if (isRevoked(second)) return stage(state.rotation);
    const entry = inForce();
    const loaded = entry?.[setting] === first && entry[secondSetting] === second;
    if (!loaded) return stay(loading(purpose));
    const ends = isRevoked(first) ? now : new Date(now.getTime() + overlapHours * HOUR_MS);
    const next = { ...state, second: 'former', since: now.toISOString(), until: ends.toISOString() } as const;
    return {
      state: next,
      changes: { [firstName]: second, [secondName]: first },
      keys: reports(purpose, next, second, first),
    };
  }
  const ended = state.until === undefined || Date.parse(state.until) <= now.getTime();
  if (state.second === 'former' && second !== undefined && !ended && isRevoked(second))
    return stay(undefined, { ...state, until: now.toISOString() });
  const isWanted = rotation !== undefined && rotation !== state.rotation;
  if (isWanted || isRevoked(first)) {
    if (level < KEYS_LEVEL) return stay(tooOld());
    // A revoked key goes at once, and the former one with it: two pass at most.
    if (state.second === 'former' && !ended && !isRevoked(first)) return stay(overlap(purpose, state));
    return stage(rotation ?? state.rotation);
  }
  if (state.second === 'former' && ended && spec === undefined && second !== undefined) {
    const { since } = state;
    const rest = since === undefined ? {} : { since };
    return {
      state: isEmpty(rest) ? undefined : rest,
      changes: { [secondName]: null },
      keys: reports(purpose, rest, first, undefined),
    };
  }
  return stay();

  function stage(named: string | undefined): Step {
    const made = make(purpose);
    const { since } = state;
    const next = {
      ...(named !== undefined && { rotation: named }),
      second: 'next',
      ...(since !== undefined && { since }),
    } as const;
    return {
      state: next,
      changes: { [secondName]: made },
      keys: reports(purpose, next, first, made),
      pending: loading(purpose),
    };
  }
}

function isEmpty(state: RotationState): boolean {
  return Object.keys(state).length === 0;
}

function reports(
  purpose: KeyPurpose,
  { second: role, since, until }: RotationState,
  first: string,
  second: string | undefined,
): KeyReport[] {
  const { label } = PURPOSES[purpose];
  const current: KeyReport = { purpose: label, id: keyID(first), state: 'Current', ...(since && { since }) };
  if (second === undefined || role === undefined) return [current];
  const other: KeyReport =
    role === 'next'
      ? { purpose: label, id: keyID(second), state: 'Next' }
      : { purpose: label, id: keyID(second), state: 'Former', ...(until && { until }) };
  return [current, other];
}

function stateOf(id: string, secrets: Values): KeyState {
  try {
    return JSON.parse(secrets[rotationKeys(id).state] ?? '{}') as KeyState;
  } catch {
    return {};
  }
}

function loading(purpose: KeyPurpose) {
  const message = `spec.keys.${purpose}: the new key is in use as soon as all processes have loaded it`;
  return { reason: 'LoadingKey', message } as const;
}

function overlap(purpose: KeyPurpose, { until }: RotationState) {
  const message = `spec.keys.${purpose}.rotation: the former key is accepted until ${until}, and a third one is not made before; to go on at once, put the ID of the former key into spec.keys.revoked`;
  return { reason: 'OverlapRunning', message } as const;
}

function tooOld() {
  const message =
    'spec.keys: at least one running version knows no second key; upgrade the cluster, and the rotation takes place';
  return { reason: 'ServicesTooOld', message } as const;
}
