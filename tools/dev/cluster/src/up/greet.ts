import { adminClient, createConsoleLogin } from '@im/admin-api';
import { admin } from '@im/client';
import { SdkUser, startJsHost } from '@im/dev-sdk';
import { sleep } from '@im/kit';
import { type KubeClient, POD } from '@im/kube';
import type { OpenIMCluster, Reached } from '../index.ts';

export const USERS = ['alice', 'bob'] as const;
const PLATFORM_WEB = 5;
/** A Service sends connections to any of its pods; each attempt has one chance in two, or more, to be another one. */
const ATTEMPTS = 20;
const POLL_MS = 150;
const OPS_PORT = 10_300;

/** The result of the greeting. */
export interface Greeting {
  readonly tokens: ReadonlyMap<string, string>;
  /** Logs an administrator in to the web console, once. */
  readonly consoleLink: string;
  /** Connections by gateway pod, while both were connected. */
  readonly connections: ReadonlyMap<string, number>;
}

/** Registers two users, connects them to different gateways, and sends a message from one to the other. */
export async function greet(
  api: KubeClient,
  cluster: OpenIMCluster,
  { endpoint, access }: Reached,
  print: (line: string) => void,
): Promise<Greeting> {
  const rights = admin(endpoint, access);
  try {
    await rights.ensureUsers(USERS);
    await using host = startJsHost();
    const tokens = new Map<string, string>();
    const login = async (userID: string): Promise<SdkUser> => {
      const token = await rights.userToken(userID, PLATFORM_WEB);
      tokens.set(userID, token);
      const user = new SdkUser(userID, await host.open(userID));
      await user.login(endpoint, token);
      return user;
    };
    const before = await connectionsByGateway(api, cluster);
    const alice = await login('alice');
    const withAlice = await connectionsByGateway(api, cluster);
    const aliceGateway = grown(before, withAlice);
    let bob = await login('bob');
    let connections = await connectionsByGateway(api, cluster);
    for (let attempt = 1; connections.size > 1 && grown(withAlice, connections) === aliceGateway; attempt++) {
      if (attempt === ATTEMPTS)
        throw new Error(`every one of ${ATTEMPTS} connections went to gateway ${aliceGateway}`);
      await bob.logout();
      await bob.close();
      await until(async () => total(await connectionsByGateway(api, cluster)) <= total(withAlice));
      bob = await login('bob');
      connections = await connectionsByGateway(api, cluster);
    }
    const text = `hello bob, it is ${new Date().toISOString()}`;
    const startedAt = performance.now();
    const [sent, got] = await Promise.all([alice.sendText({ user: 'bob' }, text), bob.received(text)]);
    const took = (performance.now() - startedAt).toFixed(1);
    print(`alice → bob   "${text}"`);
    print(`              seq ${got.seq}, serverMsgID ${sent.serverMsgID}, delivered after ${took} ms`);
    for (const [pod, count] of connections) print(`              ${count} on gateway ${pod}`);
    const moderation = adminClient({ apiUrl: endpoint.api, token: await rights.token() });
    const { token, address } = await moderation.call(createConsoleLogin, {
      body: { name: 'make up', role: 'admin' },
    });
    return { tokens, connections, consoleLink: `${new URL(address, endpoint.api).href}#login=${token}` };
  } finally {
    rights.close();
  }
}

/** What the gateways themselves say now; status follows within seconds. */
async function connectionsByGateway(api: KubeClient, cluster: OpenIMCluster): Promise<Map<string, number>> {
  const { name, namespace = '' } = cluster.metadata;
  const labelSelector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=gateway`;
  const { items } = await api.list(POD, { namespace, labelSelector });
  const running = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const entries = await Promise.all(
    running.map(async ({ metadata }): Promise<[string, number]> => {
      const status = await api.proxy({ namespace, name: metadata.name }, OPS_PORT, 'status');
      const parsed = JSON.parse(status) as { gateway?: { connections: number } };
      return [metadata.name, parsed.gateway?.connections ?? 0];
    }),
  );
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The gateway that has more connections than before. */
function grown(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string {
  return [...after].find(([pod, count]) => count > (before.get(pod) ?? 0))?.[0] ?? 'unknown';
}

function total(connections: ReadonlyMap<string, number>): number {
  return [...connections.values()].reduce((sum, count) => sum + count, 0);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let polls = 0; polls < 40 && !(await holds()); polls++) await sleep(POLL_MS);
}
