import { tokenHash } from '@im/kit';
import { make, type user } from '@im/protocol';
import type { RedisClient } from '@im/store';
import { READ_ALL, SET_CONNECTIONS } from './keys.ts';
import type { PlatformChange } from './presence-events.ts';

/** Redis does nothing else while a script runs: a few hundred microseconds with this many keys. */
const KEYS_PER_SCRIPT = 100;

/** Connections of one user on one gateway. */
export type Connections = readonly user.PlatformOnlineDetail[];

/** The value of a field in a user's hash. */
export function encodeConnections(connections: Connections): string {
  if (connections.length === 0) return '';
  return JSON.stringify(connections.map((c) => [c.platformID, c.connID, c.isBackground ? 1 : 0, c.token]));
}

/** The connections of such a value. */
export function decodeConnections(value: string): user.PlatformOnlineDetail[] {
  if (value === '') return [];
  const list = JSON.parse(value) as [number, string, number, string][];
  return list.map(([platformID, connID, background, token]) =>
    make('user.PlatformOnlineDetail', {
      platformID,
      connID,
      isBackground: background === 1,
      token: hashed(token),
    }),
  );
}

/** Gateways of the version before report tokens as they are, which have dots; only hashes are kept. */
function hashed(token: string): string {
  return token.includes('.') ? tokenHash(token) : token;
}

/** What a report says of one user, whether it names connections or only platforms. */
export function reported({ connections, platformIDs }: user.PresenceItem): Connections {
  if (connections.length > 0)
    return connections.map((c) => make('user.PlatformOnlineDetail', { ...c, token: hashed(c.token) }));
  return platformIDs.map((platformID) => make('user.PlatformOnlineDetail', { platformID }));
}

/** The distinct platforms, ascending. */
export function platforms(connections: Connections): number[] {
  return [...new Set(connections.map(({ platformID }) => platformID))].sort((a, b) => a - b);
}

/**
 * The platforms that came and went.
 * @param connections those of the gateway whose connections changed.
 */
export function platformChanges(
  userID: string,
  { before, after }: Readonly<Record<'before' | 'after', readonly number[]>>,
  { ended, opened }: Readonly<Record<'ended' | 'opened', Connections>>,
): PlatformChange[] {
  const change = (platformID: number, online: boolean): PlatformChange => {
    const own = (online ? opened : ended).filter((connection) => connection.platformID === platformID);
    const { connID = '', isBackground = false } = own.at(-1) ?? {};
    return { userID, platformID, online, connID, isBackground };
  };
  return [
    ...before.filter((id) => !after.includes(id)).map((id) => change(id, false)),
    ...after.filter((id) => !before.includes(id)).map((id) => change(id, true)),
  ];
}

/** Slices of at most `size`. */
export function chunks<T>(list: readonly T[], size: number): T[][] {
  const out: T[][] = [];
  for (let i = 0; i < list.length; i += size) out.push(list.slice(i, i + size));
  return out;
}

/** A hash as scripts answer it. */
export function toMap(fieldsAndValues: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < fieldsAndValues.length; i += 2)
    map.set(fieldsAndValues[i] ?? '', fieldsAndValues[i + 1] ?? '');
  return map;
}

/** The hashes at these keys that are not empty, by number of key. */
export async function hashesAt(
  client: RedisClient,
  keys: readonly string[],
): Promise<[number, ReadonlyMap<string, string>][]> {
  if (client.isCluster) {
    // Keys of many slots: one command each.
    const hashes = await Promise.all(keys.map((key) => client.hgetall(key)));
    return hashes.map((hash, i) => [i, new Map(Object.entries(hash))]);
  }
  const answer = (await client.eval(READ_ALL, keys.length, ...keys)) as (number | string[])[];
  const found: [number, ReadonlyMap<string, string>][] = [];
  for (let i = 0; i + 1 < answer.length; i += 2) {
    found.push([answer[i] as number, toMap(answer[i + 1] as string[])]);
  }
  return found;
}

/** What a user's record was before a change and is after it. */
export interface ChangedRecord {
  /** The former value of the gateway's field. */
  readonly former: string;
  readonly hash: ReadonlyMap<string, string>;
}

/**
 * Sets the field at each of these keys.
 * @param always answers those that had the value already, too.
 * @returns per key what changed, or undefined.
 */
export async function setFields(
  client: RedisClient,
  field: string,
  records: readonly { readonly key: string; readonly value: string }[],
  always: boolean,
): Promise<(ChangedRecord | undefined)[]> {
  const run = async (part: typeof records) => {
    const keys = part.map(({ key }) => key);
    const values = part.map(({ value }) => value);
    const args = [...keys, field, always ? '1' : '0', ...values];
    return (await client.eval(SET_CONNECTIONS, keys.length, ...args)) as ([] | [string, string[]])[];
  };
  // In a cluster the keys are of many slots: one command each.
  const size = client.isCluster ? 1 : KEYS_PER_SCRIPT;
  const answers = (await Promise.all(chunks(records, size).map(run))).flat();
  return answers.map(([former, fields]) =>
    former === undefined || fields === undefined ? undefined : { former, hash: toMap(fields) },
  );
}
