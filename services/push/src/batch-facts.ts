import type { KeptDelivery } from '@im/bus';
import type { TenantId } from '@im/contract';
import { candidateOf } from './decide.ts';
import type { Receivers } from './receivers.ts';

type Connections = Awaited<ReturnType<Receivers['connectionsOf']>>;

/** Those whom a message to a group is for, and where they are. */
interface GroupFacts {
  readonly receivers: readonly string[];
  readonly connections: Connections;
}

/** What the judgement of one batch needs to know, each thing asked once: a busy group has many messages in a batch. */
export class BatchFacts {
  readonly #receivers: Receivers;
  readonly #batch: readonly KeptDelivery[];
  readonly #users = new Map<string, Promise<Connections>>();
  readonly #groups = new Map<string, Promise<GroupFacts>>();
  readonly #silenced = new Map<string, Promise<ReadonlySet<string>>>();

  /** @param batch the deliveries to judge; read before the first question. */
  constructor(receivers: Receivers, batch: readonly KeptDelivery[]) {
    this.#receivers = receivers;
    this.#batch = [...batch];
  }

  /** Connections of all receivers in single chats of the tenant. */
  ofUsers(tenant: TenantId): Promise<Connections> {
    return once(this.#users, tenant, () => {
      const ids = new Set<string>();
      let operationID = '';
      for (const { tenant: of, delivery } of this.#batch) {
        const candidate = candidateOf(delivery);
        if (of !== tenant || candidate.kind !== 'user') continue;
        ids.add(candidate.userID);
        operationID ||= delivery.operationID;
      }
      return this.#receivers.connectionsOf(tenant, operationID, [...ids]);
    });
  }

  /** Members of a group and their connections. */
  ofGroup(tenant: TenantId, groupID: string, operationID: string): Promise<GroupFacts> {
    return once(this.#groups, `${tenant}/${groupID}`, async () => {
      const receivers = await this.#receivers.membersOf(tenant, operationID, groupID);
      const connections =
        receivers.length > 0
          ? await this.#receivers.connectionsOf(tenant, operationID, receivers)
          : new Map<string, never>();
      return { receivers, connections };
    });
  }

  /** Who wants no notice of a conversation. */
  silencedIn(tenant: TenantId, conversationID: string): Promise<ReadonlySet<string>> {
    return once(this.#silenced, `${tenant}/${conversationID}`, () =>
      this.#receivers.silencedIn(tenant, conversationID),
    );
  }
}

function once<T>(known: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  let answer = known.get(key);
  if (answer === undefined) {
    answer = ask();
    known.set(key, answer);
  }
  return answer;
}
