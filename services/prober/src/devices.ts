import { admin, type Endpoint } from '@im/client';
import type { TenantSettings } from '@im/contract';
import { DEFAULT_ADMIN_USER } from '@im/contract';
import { createGroup, type Fact, type FactSink, now, type WireUser, wireUser } from '@im/proof';

/** Windows, in the numbering of the protocol. */
const PLATFORM = 3;

/** The devices of the prober's users, each with a separate connection through the Service. */
export class Devices {
  readonly #endpoint: Endpoint;
  readonly #facts: FactSink;
  readonly #devices = new Map<string, WireUser>();
  #rights: ReturnType<typeof admin> | undefined;
  #turn = 0;

  /** @param facts where devices record what they see. */
  constructor(endpoint: Endpoint, facts: FactSink) {
    this.#endpoint = endpoint;
    this.#facts = facts;
  }

  /** Registers users who do not exist yet. */
  async register({ adminUserIDs, adminSecret }: TenantSettings, users: readonly string[]): Promise<void> {
    this.#rights?.close();
    const adminUser = adminUserIDs[0] ?? DEFAULT_ADMIN_USER;
    this.#rights = admin(this.#endpoint, { adminUser, secret: adminSecret });
    await this.#rights.ensureUsers(users);
  }

  /** Creates the group of all. @returns its ID. */
  async createGroup(users: readonly string[]): Promise<string> {
    if (!this.#rights) throw new Error('no user is registered yet');
    return createGroup(this.#rights, 'prober', users);
  }

  /** Connects the devices that are missing, and those that the server logged out. */
  async connect(users: readonly string[]): Promise<void> {
    for (const [i, userID] of users.entries()) {
      const known = this.#devices.get(userID);
      if (known && known.counts.kicked === 0) continue;
      this.#drop(userID);
      const device = wireUser({
        ws: this.#endpoint.ws,
        userID,
        platformID: PLATFORM,
        token: (await this.#rights?.userToken(userID, PLATFORM)) ?? '',
        encoding: i % 2 ? 'gob' : 'json',
        gzip: i % 4 > 1,
        device: userID,
        facts: this.#facts,
      });
      await device.start();
      this.#devices.set(userID, device);
    }
  }

  /** Ends the connection of one device, each in turn, so that all gateways are reached over time. */
  rotate(users: readonly string[]): void {
    this.#drop(users[this.#turn++ % users.length] ?? '');
  }

  /** The device of a user. @throws when it is not connected. */
  of(userID: string): WireUser {
    const device = this.#devices.get(userID);
    if (!device) throw new Error(`${userID} is not connected`);
    return device;
  }

  /** Declares all devices up, for a checker that begins now. */
  up(): Fact[] {
    return [...this.#devices].map(([user, { device }]) => {
      return { kind: 'up', at: now(), device, user, own: 'expected' };
    });
  }

  /** Ends all connections. */
  close(): void {
    for (const userID of [...this.#devices.keys()]) this.#drop(userID);
    this.#rights?.close();
    this.#rights = undefined;
  }

  #drop(userID: string): void {
    this.#devices.get(userID)?.stop();
    this.#devices.delete(userID);
  }
}
