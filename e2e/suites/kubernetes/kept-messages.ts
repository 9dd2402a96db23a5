import { type Admin, connectWire, newestSeqs, pullRange } from '@im/client';
import type { DeployedCluster } from '@im/dev-cluster';

const PLATFORM = 5;

/** All messages of a user's conversations: conversation, seq, ID and content, in order. */
export async function messagesOf(cluster: DeployedCluster, rights: Admin, userID: string): Promise<string[]> {
  const token = await rights.userToken(userID, PLATFORM);
  const { ws } = cluster.anyGateway;
  const connection = await connectWire({ ws, userID, platformID: PLATFORM, token });
  try {
    const found: string[] = [];
    for (const [conversation, max] of Object.entries(await newestSeqs(connection)).sort()) {
      for await (const { seq, clientMsgID, content } of pullRange(connection, conversation, 1, max)) {
        found.push(`${conversation} ${seq} ${clientMsgID} ${content.toString()}`);
      }
    }
    return found;
  } finally {
    connection.close();
  }
}
