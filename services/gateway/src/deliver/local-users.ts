import type { DeliveryFeed, JoinedAt } from '@im/bus';
import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import type { log } from '@im/protocol';
import { LocalGroup, LocalUser } from '../connection/connection.ts';

function key(tenant: string, id: string): string {
  return `${tenant}${KEY_SEPARATOR}${id}`;
}

/** Subscriptions of the delivery feed, which are exactly the local users and their groups. */
export type Subscriptions = Pick<DeliveryFeed, 'addUser' | 'removeUser' | 'addGroup' | 'removeGroup'>;

/** Place of a change of membership, and a callback for when the group has been caught up on from there. */
export interface Joined extends JoinedAt {
  readonly onCaughtUp: (waiting: readonly log.Delivery[]) => void;
}

/** The users with a connection here and the groups that they are in, as far as known. */
export class LocalUsers {
  readonly #subscriptions: Subscriptions;
  readonly #users = new Map<string, LocalUser>();
  readonly #groups = new Map<string, LocalGroup>();

  constructor(subscriptions: Subscriptions) {
    this.#subscriptions = subscriptions;
  }

  get userCount(): number {
    return this.#users.size;
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  users(): Iterable<LocalUser> {
    return this.#users.values();
  }

  user(tenant: string, userID: string): LocalUser | undefined {
    return this.#users.get(key(tenant, userID));
  }

  group(tenant: string, groupID: string): LocalGroup | undefined {
    return this.#groups.get(key(tenant, groupID));
  }

  /** The user, entered when not here yet. */
  enter(tenant: TenantId, userID: string): { readonly user: LocalUser; readonly isNew: boolean } {
    const known = this.user(tenant, userID);
    if (known) return { user: known, isNew: false };
    const user = new LocalUser(tenant, userID);
    this.#users.set(key(tenant, userID), user);
    this.#subscriptions.addUser(tenant, userID);
    return { user, isNew: true };
  }

  /** Removes a user without connections, and the groups that no local user is in any more. */
  remove(user: LocalUser): void {
    if (user.gone) return;
    user.gone = true;
    this.#users.delete(key(user.tenant, user.userID));
    this.#subscriptions.removeUser(user.tenant, user.userID);
    for (const group of user.groups ?? []) this.#part(user, group);
    user.groups = undefined;
  }

  /**
   * Makes the user a member.
   * @param joined place of the delivery that did; none when the membership was read.
   * @param version of the change that did it; 0 when it has none, or the membership was read.
   * @returns true when the group is new here.
   */
  join(user: LocalUser, groupID: string, joined?: Joined, version = 0): boolean {
    if (user.gone) return false;
    user.changes?.set(groupID, { member: true, version });
    let group = this.group(user.tenant, groupID);
    const isNew = group === undefined;
    if (group === undefined) {
      group = new LocalGroup(user.tenant, groupID);
      this.#groups.set(key(user.tenant, groupID), group);
      this.#listen(group, joined);
    }
    group.users.add(user);
    user.groups ??= new Set();
    user.groups.add(group);
    return isNew;
  }

  #listen(group: LocalGroup, joined: Joined | undefined): void {
    const { tenant, groupID } = group;
    if (!joined) {
      this.#subscriptions.addGroup(tenant, groupID);
      return;
    }
    const { position, timeMs, onCaughtUp } = joined;
    const waiting: log.Delivery[] = [];
    group.joined = { position, waiting };
    const behind = this.#subscriptions.addGroup(tenant, groupID, { position, timeMs }, () => {
      group.joined = undefined;
      onCaughtUp(waiting);
    });
    if (!behind) group.joined = undefined;
  }

  /** Ends the user's membership, known here or not, by the change of this version. */
  leave(user: LocalUser, groupID: string, version = 0): void {
    user.changes?.set(groupID, { member: false, version });
    const group = this.group(user.tenant, groupID);
    if (group) this.#part(user, group);
  }

  #part(user: LocalUser, group: LocalGroup): void {
    user.groups?.delete(group);
    if (!group.users.delete(user) || group.users.size > 0) return;
    this.#groups.delete(key(group.tenant, group.groupID));
    this.#subscriptions.removeGroup(group.tenant, group.groupID);
  }
}
