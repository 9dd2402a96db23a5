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
  /** By tenant and user: the answer to a question about that user and others. */
  readonly #undisturbed = new Map<string, Promise<ReadonlySet<string>>>();

  /** @param batch the deliveries to judge; read before the first question. */
  constructor(receivers: Receivers, batch: readonly KeptDelivery[]) {
    this.#receivers = receivers;
    this.#batch = [...batch];
  }

  /** Connections of all receivers in single chats of the tenant. */
  ofUsers(tenant: TenantId): Promise<Connections> {
    return once(this.#users, tenant, () => {
      const { userIDs, operationID } = this.#singleChats(tenant);
      return this.#receivers.connectionsOf(tenant, operationID, userIDs);
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

  /** Those of the users who want no notice at all now. The first question is about the receivers in single chats, too. */
  async undisturbed(tenant: TenantId, userIDs: readonly string[]): Promise<ReadonlySet<string>> {
    const keyOf = (userID: string) => `${tenant}/${userID}`;
    const isUnknown = (userID: string) => !this.#undisturbed.has(keyOf(userID));
    const unknown = userIDs.filter(isUnknown);
    if (unknown.length > 0) {
      const asked = new Set([...unknown, ...this.#singleChats(tenant).userIDs.filter(isUnknown)]);
      const answer = this.#receivers.undisturbed(tenant, [...asked]);
      for (const userID of asked) this.#undisturbed.set(keyOf(userID), answer);
    }
    const answers = await Promise.all(new Set(userIDs.map((userID) => this.#undisturbed.get(keyOf(userID)))));
    return new Set(userIDs.filter((userID) => answers.some((answer) => answer?.has(userID))));
  }

  #singleChats(tenant: TenantId): { readonly userIDs: readonly string[]; readonly operationID: string } {
    const userIDs = new Set<string>();
    let operationID = '';
    for (const { tenant: of, delivery } of this.#batch) {
      const candidate = candidateOf(delivery);
      if (of !== tenant || candidate.kind !== 'user') continue;
      userIDs.add(candidate.userID);
      operationID ||= delivery.operationID;
    }
    return { userIDs: [...userIDs], operationID };
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
