import type { TestServer } from '@im/dev-cluster';
import { type SdkHost, type SdkKind, SdkUser } from '@im/dev-sdk';

export type SdkMixName = 'js' | 'wasm' | 'mixed';

/** Which SDKs the three users of a fixture run. */
export interface SdkMix {
  readonly name: SdkMixName;
  readonly kinds: readonly [SdkKind, SdkKind, SdkKind];
}

export const SDK_MIXES: readonly SdkMix[] = [
  { name: 'js', kinds: ['js', 'js', 'js'] },
  { name: 'wasm', kinds: ['wasm', 'wasm', 'wasm'] },
  { name: 'mixed', kinds: ['js', 'wasm', 'js'] },
];

/** The running SDKs of a test file. */
export interface Hosts {
  readonly js: SdkHost;
  readonly wasm: SdkHost;
}

/** Three users of one tenant, logged in; alice is on the first gateway, the others on the last. */
export interface Fixture {
  readonly cluster: TestServer;
  readonly tenant: string;
  readonly sdkMix: SdkMix;
  readonly alice: SdkUser;
  readonly bob: SdkUser;
  readonly carol: SdkUser;
  /** Logs a user in, or in again, with a new token. */
  login(user: SdkUser): Promise<void>;
  /** A new user with the SDK of alice; not logged in. */
  newcomer(name: string): Promise<SdkUser>;
  /** Another device of a user, on the same platform; not logged in. */
  device(user: SdkUser): Promise<SdkUser>;
}

/** One thing that clients rely on, as a test of every SDK mix, tenant and topology. */
export interface Behaviour {
  readonly name: string;
  run(fixture: Fixture): Promise<void>;
}

/** The synchronization of a login failed because an HTTP request had no answer. */
const NO_ANSWER = /^\S+: OnSyncServerFailed at login: 10006 fetch of /;

/** Registers and logs in the users of a fixture. */
export async function openFixture(
  cluster: TestServer,
  tenant: string,
  sdkMix: SdkMix,
  hosts: Hosts,
): Promise<Fixture> {
  const names = ['alice', 'bob', 'carol'].map((name) => `${sdkMix.name}_${name}`);
  const admin = cluster.admin(tenant);
  await admin.ensureUsers(names);
  const gateways = new Map<string, number>();

  async function open(userID: string, kind: SdkKind, gateway: number): Promise<SdkUser> {
    const user = new SdkUser(userID, await hosts[kind].open(`${tenant}/${userID}`));
    gateways.set(userID, gateway);
    return user;
  }
  async function login(user: SdkUser): Promise<void> {
    const token = await admin.userToken(user.userID, user.platformID);
    const endpoint = cluster.endpoint(tenant, gateways.get(user.userID));
    try {
      await user.login(endpoint, token);
    } catch (error) {
      if (!(error instanceof Error && NO_ANSWER.test(error.message))) throw error;
      // As an app does when the network fails. It is printed: what it says is a fault of the cluster or of this machine.
      console.error(`${tenant}/${user.userID} logs in again: ${error.message}`);
      await user.logout();
      await user.login(endpoint, token);
    }
  }
  const last = cluster.gateways.length - 1;
  const [alice, bob, carol] = await Promise.all(
    names.map((name, i) => {
      const kind = sdkMix.kinds[i] as SdkKind;
      return hosts[kind].inTurn(async () => {
        const user = await open(name, kind, i === 0 ? 0 : last);
        await login(user);
        return user;
      });
    }),
  );
  if (!alice || !bob || !carol) throw new Error('a fixture needs three users');

  return {
    cluster,
    tenant,
    sdkMix,
    alice,
    bob,
    carol,
    login,
    async newcomer(name) {
      const userID = `${sdkMix.name}_${name}`;
      await admin.ensureUsers([userID]);
      return await open(userID, alice.kind, 0);
    },
    device: (user) => open(user.userID, user.kind, gateways.get(user.userID) ?? 0),
  };
}

let texts = 0;

/** A text that no other message of the run has. */
export function freshText(topic: string): string {
  texts += 1;
  return `${topic} ${process.pid}.${texts}`;
}
