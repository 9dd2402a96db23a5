import type { TenantId } from '@im/contract';
import { FairQueue, KEY_SEPARATOR } from '@im/kit';

/** Whose login it is. */
export interface LoginOwner {
  readonly tenant: { readonly id: TenantId };
  readonly userID: string;
}

/** Size of a login in a queue whose turns have 64 KiB: eight of a tenant follow each other. */
const TURN_SHARE = 8_192;

/**
 * Logins that wait, those of tenants in turns. Those of a user follow each other: the next one is taken only
 * after {@link done} of the one before.
 */
export class LoginQueue<L extends LoginOwner> {
  readonly #ready = new FairQueue<L>();
  /** By user of which one is ready or taken: those behind it. */
  readonly #behind = new Map<string, L[]>();
  /** Logins that are not done, by tenant. */
  readonly #open = new Map<TenantId, number>();

  /** Logins that can be taken. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Whether all are done. */
  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** Logins of the tenant that are not done. */
  openOf(tenant: TenantId): number {
    return this.#open.get(tenant) ?? 0;
  }

  /** Logins of the user behind the one that is ready or taken. */
  behindOf(owner: LoginOwner): number {
    return this.#behind.get(userKey(owner))?.length ?? 0;
  }

  push(login: L): void {
    const { id } = login.tenant;
    this.#open.set(id, this.openOf(id) + 1);
    const key = userKey(login);
    const behind = this.#behind.get(key);
    if (behind) {
      behind.push(login);
      return;
    }
    this.#behind.set(key, []);
    this.#ready.push(id, login, TURN_SHARE);
  }

  /** Takes the next ones, at most `max`, no two of a user. */
  take(max: number): L[] {
    return this.#ready.take(max, Number.POSITIVE_INFINITY);
  }

  /** A login that was taken has its result. */
  done(login: L): void {
    const { id } = login.tenant;
    const left = this.openOf(id) - 1;
    if (left > 0) this.#open.set(id, left);
    else this.#open.delete(id);
    const key = userKey(login);
    const next = this.#behind.get(key)?.shift();
    if (next) this.#ready.push(id, next, TURN_SHARE);
    else this.#behind.delete(key);
  }
}

function userKey({ tenant, userID }: LoginOwner): string {
  return tenant.id + KEY_SEPARATOR + userID;
}
