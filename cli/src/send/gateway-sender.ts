import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectWire, sendMessage, type WireConnection, type WireOptions } from '@im/client';
import { encode, MSG_FROM, MSG_STATUS, make, SESSION } from '@im/protocol';
import { CommandError, EXIT } from '../exit-codes.ts';
import { isPassing, redialDelayMs } from '../redial.ts';
import type { Recipient, Sender } from './sender.ts';

const TEXT = 101;
/** A message whose outcome is still unknown after this is given up. */
const GIVE_UP_MS = 30_000;

/**
 * Sends over a WebSocket as an SDK does: when an answer is lost, the same message is sent again under
 * the same ids, which the server counts as one.
 */
export function gatewaySender(login: WireOptions, to: Recipient): Sender {
  let current: Promise<WireConnection> | undefined;
  let kicked = false;

  function connection(): Promise<WireConnection> {
    if (kicked) {
      throw new CommandError(EXIT.refused, 'another login of the user on this platform ended this one');
    }
    if (current === undefined) {
      const opened = connectWire(login, {
        kicked: () => {
          kicked = true;
        },
        closed: () => forget(opened),
      });
      opened.catch(() => forget(opened));
      current = opened;
    }
    return current;
  }
  function forget(opened: Promise<WireConnection>): void {
    if (current === opened) current = undefined;
  }

  return {
    async send(text) {
      const clientMsgID = randomBytes(16).toString('hex');
      const bytes = textMessage(login, to, clientMsgID, text);
      const deadline = performance.now() + GIVE_UP_MS;
      for (let attempt = 0; ; attempt++) {
        try {
          const { serverMsgID, sendTime } = await sendMessage(await connection(), bytes);
          return { clientMsgID, serverMsgID, sendTime };
        } catch (error) {
          if (!isPassing(error) || performance.now() > deadline) throw error;
        }
        await sleep(redialDelayMs(attempt));
      }
    },
    [Symbol.dispose]() {
      current?.then((open) => open.close()).catch(() => {});
    },
  };
}

function textMessage(login: WireOptions, to: Recipient, clientMsgID: string, text: string): Uint8Array {
  return encode(
    'sdkws.MsgData',
    make('sdkws.MsgData', {
      sendID: login.userID,
      recvID: to.user ?? '',
      groupID: to.group ?? '',
      clientMsgID,
      senderPlatformID: login.platformID,
      senderNickname: login.userID,
      sessionType: to.group === undefined ? SESSION.Single : SESSION.Group,
      msgFrom: MSG_FROM.User,
      contentType: TEXT,
      content: Buffer.from(JSON.stringify({ content: text })),
      createTime: Date.now(),
      status: MSG_STATUS.Sending,
    }),
  );
}
