import { loadText, scanPush, sendMessage, textMessage } from '@im/client';
import { chatConversationID, encode, make, REQ, SESSION } from '@im/protocol';
import { cpuPer, latencies, type Scenario, startMeter } from '../bench-run.ts';
import { Histogram } from '../histogram.ts';

const READERS = 20;
const MESSAGES = 50;
const IN_FLIGHT_PER_READER = 1;

/** Pulls of the same 50 messages of a conversation each, by 20 users at once. */
export const pull: Scenario = {
  name: `pull of ${MESSAGES} messages`,
  async run(bench) {
    const users = await bench.users(READERS * 2);
    const connections = await bench.connect(users, () => ({}));
    const readers = connections.slice(0, READERS);
    const now = () => performance.timeOrigin + performance.now();
    await Promise.all(
      readers.map(async (connection, i) => {
        for (let n = 0; n < MESSAGES; n++) {
          const id = `pull-${process.pid}-${Math.floor(performance.now())}.${i}.${n}`;
          const to = users[READERS + i]?.userID;
          await sendMessage(
            connection,
            textMessage(connection.userID, { user: to }, id, loadText(id, now(), 100)),
          );
        }
      }),
    );
    await new Promise((done) => setTimeout(done, 1_000));
    const took = new Histogram();
    let short = 0;
    const stop = startMeter(bench.target);
    const until = performance.now() + bench.options.seconds * 1000;
    await Promise.all(
      Array.from({ length: READERS * IN_FLIGHT_PER_READER }, async (_, k) => {
        const i = k % READERS;
        const connection = readers[i];
        if (!connection) return;
        const conversationID = chatConversationID({
          sessionType: SESSION.Single,
          sendID: connection.userID,
          recvID: users[READERS + i]?.userID ?? '',
          groupID: '',
        });
        const range = make('sdkws.SeqRange', { conversationID, begin: 1, end: MESSAGES, num: MESSAGES });
        const bytes = encode(
          'sdkws.PullMessageBySeqsReq',
          make('sdkws.PullMessageBySeqsReq', { userID: connection.userID, seqRanges: [range] }),
        );
        while (performance.now() < until) {
          const start = performance.now();
          const answer = await connection.request(REQ.PullMsgByRange, bytes);
          took.add((performance.now() - start) * 1000);
          if (took.count % 100 === 0 && scanPush(answer).length !== MESSAGES) short += 1;
        }
      }),
    );
    const usage = stop();
    for (const connection of connections) connection.close();
    return [
      { name: 'pulls', unit: '/s', value: (took.count * 1000) / usage.wallMs },
      ...latencies('pull', took),
      ...cpuPer('pull', usage, took.count),
      { name: 'incomplete', unit: '', value: short },
    ];
  },
};
