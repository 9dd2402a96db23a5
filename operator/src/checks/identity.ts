import { CheckError, type CheckSource } from './check.ts';

/** The cluster that an external store is to belong to. */
export interface StoreOwner {
  /** Generated once for a cluster, and kept as long as its credentials. */
  readonly id: string;
  /** `namespace/name`, for messages. */
  readonly name: string;
  /** ID of a cluster whose stores this one takes over. */
  readonly takeOver?: string | undefined;
}

/** The record in a store of the cluster that it belongs to. */
export interface OwnerRecord {
  /** @returns undefined when there is none. */
  read(): Promise<RecordedOwner | undefined>;
  /** Writes the first record; fails when there is one. */
  create(owner: RecordedOwner): Promise<unknown>;
  replace(owner: RecordedOwner): Promise<unknown>;
}

export interface RecordedOwner {
  readonly id: string;
  readonly name: string;
}

/** A store whose record is checked. */
export interface ClaimedStore {
  readonly source: CheckSource;
  readonly where: string;
  /** How another cluster avoids it, such as `set another spec.mongodb.database`. */
  readonly alternative: string;
}

/**
 * Records that a store belongs to a cluster. An account that may not write the record keeps nothing from working.
 * @throws CheckError when it belongs to another cluster.
 */
export async function claimStore(
  record: OwnerRecord,
  { id, name, takeOver }: StoreOwner,
  { source, where, alternative }: ClaimedStore,
): Promise<void> {
  const read = () => record.read().catch(() => undefined);
  let found = await read();
  if (found === undefined) {
    await record.create({ id, name }).catch(() => undefined);
    found = await read();
  }
  if (found === undefined || found.id === id) return;
  if (found.id === takeOver) {
    await record.replace({ id, name });
    return;
  }
  throw new CheckError(
    'UsedByAnotherCluster',
    `${source.addressField}: ${where} belongs to OpenIMCluster ${found.name} with ID ${found.id}; two clusters on one store would mix their users and messages: ${alternative}, or, if that cluster is gone for good, annotate this one with openim.io/take-over-stores=${found.id}`,
  );
}

/** A record as text; undefined for anything else. */
export function parseOwner(text: string | null | undefined): RecordedOwner | undefined {
  const [, id, name] = /^(\S+) (\S+)$/.exec(text ?? '') ?? [];
  return id === undefined || name === undefined ? undefined : { id, name };
}

/** The record as text. */
export function ownerText({ id, name }: RecordedOwner): string {
  return `${id} ${name}`;
}
