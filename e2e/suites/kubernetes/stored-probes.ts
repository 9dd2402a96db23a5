import { admin, connectWire, newestSeqs, parseLoadContent, pullRange } from '@im/client';
import { DEFAULT_ADMIN_USER, PROBE_TENANT, tenantURL } from '@im/contract';
import { type DeployedCluster, getExisting } from '@im/dev-cluster';
import { SECRET } from '@im/kube';

/** Messages of one round of the prober. */
export interface ProbeRound {
  readonly messages: number;
  /** When the last one was sent, ms since the epoch. */
  readonly lastSentAt: number;
}

/** What is stored of the prober's messages, read as its users do. */
export interface StoredProbes {
  readonly rounds: readonly ProbeRound[];
  /** Missing seqs, and messages that are stored twice or out of order. */
  readonly faults: readonly string[];
}

const PLATFORM = 5;
/** Times of a status are whole seconds. */
const SECOND = 1_000;

/** Reads all that the prober's users have stored, without the prober. */
export async function storedProbes(cluster: DeployedCluster): Promise<StoredProbes> {
  const { anyGateway, name, namespace } = cluster;
  const path = (url: string) => tenantURL(url, PROBE_TENANT);
  const endpoint = { api: path(anyGateway.api), ws: path(anyGateway.ws) };
  const rights = admin(endpoint, { adminUser: DEFAULT_ADMIN_USER, secret: await probeSecret(cluster) });
  const rounds = new Map<string, { messages: number; lastSentAt: number }>();
  const faults: string[] = [];
  const read = new Set<string>();
  try {
    const pagination = { pageNumber: 1, showNumber: 100 };
    const { users } = await rights.call<{ users: { userID: string }[] }>('/user/get_users', { pagination });
    for (const { userID } of users.filter((user) => user.userID.startsWith('probe_'))) {
      const token = await rights.userToken(userID, PLATFORM);
      const connection = await connectWire({ ws: endpoint.ws, userID, platformID: PLATFORM, token });
      for (const [conversation, max] of Object.entries(await newestSeqs(connection))) {
        if (read.has(conversation)) continue;
        read.add(conversation);
        let seq = 0;
        /** Number of the last message, by sender and round. */
        const last = new Map<string, number>();
        for await (const message of pullRange(connection, conversation, 1, max)) {
          if (message.seq !== seq + 1) faults.push(`${conversation}: ${message.seq} follows ${seq}`);
          seq = message.seq;
          const probe = parseLoadContent(message.content);
          const [, round = '', number] = /^(\w+\.\d+\.\w+)\.(\d+)$/.exec(probe?.id ?? '') ?? [];
          if (!probe || number === undefined) continue;
          if (Number(number) !== (last.get(round) ?? 0) + 1) {
            faults.push(`${conversation}: ${probe.id} follows number ${last.get(round) ?? 0}`);
          }
          last.set(round, Number(number));
          const key = round.slice(0, round.lastIndexOf('.'));
          const known = rounds.get(key) ?? { messages: 0, lastSentAt: 0 };
          rounds.set(key, {
            messages: known.messages + 1,
            lastSentAt: Math.max(known.lastSentAt, probe.sentAt),
          });
        }
        if (seq !== max) faults.push(`${conversation}: ${seq} of ${max} are stored`);
      }
      connection.close();
    }
  } finally {
    rights.close();
  }
  if (rounds.size === 0) throw new Error(`${namespace}/${name}: nothing is stored of the prober`);
  return { rounds: [...rounds.values()], faults };
}

/** Stored messages of the rounds that ended after `from` and until `until`, as a proof states them. */
export function storedBetween({ rounds }: StoredProbes, from: string | undefined, until: string): number {
  const begin = from === undefined ? 0 : Date.parse(from) + SECOND;
  const end = Date.parse(until) + SECOND;
  return rounds
    .filter(({ lastSentAt }) => lastSentAt > begin && lastSentAt <= end)
    .reduce((sum, { messages }) => sum + messages, 0);
}

async function probeSecret({ testCluster, namespace, name }: DeployedCluster): Promise<string> {
  const { data = {} } = await getExisting(testCluster.api, SECRET, { namespace, name: `${name}-tenants` });
  const encoded = data[`${PROBE_TENANT}.admin-secret`];
  if (encoded === undefined) throw new Error(`${namespace}/${name} has no tenant ${PROBE_TENANT}`);
  return Buffer.from(encoded, 'base64').toString('utf8');
}
