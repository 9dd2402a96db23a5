import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectWire,
  loadText,
  newestSeqs,
  pullRange,
  sendMessage,
  textMessage,
  WireError,
} from '@im/client';
import type { DeployedCluster } from '@im/dev-cluster';
import { now } from '@im/proof';
import { chatConversationID, SESSION } from '@im/protocol';

/** One send and its outcome. */
export interface UnretriedSend {
  readonly clientMsgID: string;
  /** Of the answer, by the checker's clock, ms. */
  readonly at: number;
  /** 0: acknowledged. */
  readonly code: number;
  readonly tookMs: number;
}

/** A client that sends one message after the other and never again, to see what the server answers each time. */
export interface UnretriedSends extends AsyncDisposable {
  readonly sends: readonly UnretriedSend[];
  /** Ends it, and waits until all that was acknowledged is stored. @returns what is: client message IDs in order. */
  finish(): Promise<readonly string[]>;
}

const PLATFORM = 5;
/** Longer than the server takes to refuse. */
const ANSWER_WITHIN_MS = 60_000;
const PAUSE_MS = 100;
/** Acknowledged messages are in the log, and become readable when transfer has caught up. */
const STORED_WITHIN_MS = 60_000;

export async function startUnretriedSends(cluster: DeployedCluster, name: string): Promise<UnretriedSends> {
  const rights = cluster.admin('default');
  const prefix = `${name}_${Date.now().toString(36)}`;
  const [from, to] = [`${prefix}_from`, `${prefix}_to`] as const;
  await rights.ensureUsers([from, to]);
  const token = await rights.userToken(from, PLATFORM);
  const { ws } = cluster.anyGateway;
  const connection = await connectWire({ ws, userID: from, platformID: PLATFORM, token });
  const sends: UnretriedSend[] = [];
  let over = false;
  const sending = (async () => {
    while (!over) {
      const clientMsgID = `${prefix}-${sends.length}`;
      const startedAt = now();
      const bytes = textMessage(from, { user: to }, clientMsgID, loadText(clientMsgID, startedAt));
      const code = await sendMessage(connection, bytes, { timeoutMs: ANSWER_WITHIN_MS }).then(
        () => 0,
        (error: unknown) => {
          if (error instanceof WireError) return error.code;
          throw error;
        },
      );
      const at = now();
      sends.push({ clientMsgID, at, code, tookMs: at - startedAt });
      await sleep(PAUSE_MS);
    }
  })();
  // Awaited at the end; until then a failure must not end the process.
  sending.catch(() => {});
  return {
    sends,
    async finish() {
      over = true;
      await sending;
      const conversation = chatConversationID({
        ...{ sessionType: SESSION.Single, sendID: from, recvID: to, groupID: '' },
      });
      const acknowledged = sends.filter(({ code }) => code === 0);
      for (const deadline = now() + STORED_WITHIN_MS; ; await sleep(PAUSE_MS)) {
        const stored: string[] = [];
        const last = (await newestSeqs(connection))[conversation] ?? 0;
        for await (const { clientMsgID } of pullRange(connection, conversation, 1, last)) {
          stored.push(clientMsgID);
        }
        const found = new Set(stored);
        const isAll = acknowledged.every(({ clientMsgID }) => found.has(clientMsgID));
        if (!isAll && now() < deadline) continue;
        connection.close();
        return stored;
      }
    },
    async [Symbol.asyncDispose]() {
      over = true;
      connection.close();
    },
  };
}
