import type { TenantId } from '@im/contract';
import { eachLimited } from '@im/kit';
import { encode, make } from '@im/protocol';
import { msgIndexes, type Store } from '@im/store';
import { fillConversation } from './measured-store.ts';

/** Many messages of text in conversations of equal length, spread over the last days. */
export interface FilledMessages {
  readonly tenant: TenantId;
  readonly messages: number;
  readonly conversations: number;
  readonly idOf: (conversation: number) => string;
  /** Who sent a message, by its place in the conversation, from 0. */
  readonly senderOf: (conversation: number, place: number) => string;
  /** Messages that contain the word `needle`; the others are of hay. */
  readonly needles: number;
  /** First send time, ms; the last is now. */
  readonly start: number;
  /** Makes the indexes of searches first. @default false */
  readonly indexed?: boolean;
  /** A conversation is stored. */
  readonly onFilled?: (conversation: number) => Promise<void>;
}

const CONTENT_TYPE_TEXT = 101;
const FILLED_AT_ONCE = 8;
const PROGRESS_MS = 15_000;
/** Spreads the needles over conversations and times. */
const SPREAD = 7_919;
const HAY = 'hay hay hay '.repeat(8);

/** Stores messages as transfer does, several conversations at once, and prints how far it is. */
export async function fillMessages(store: Store, plan: FilledMessages): Promise<void> {
  const { tenant, messages, conversations, idOf, senderOf, needles, start, onFilled } = plan;
  const perConversation = Math.ceil(messages / conversations);
  if (plan.indexed) await msgIndexes(store).set(tenant, true);
  const [period, startedAt] = [Date.now() - start, performance.now()];
  let [filled, printedAt] = [0, startedAt];
  await eachLimited(Array(conversations).keys(), FILLED_AT_ONCE, async (n) => {
    const conversationID = idOf(n);
    const rows = Array.from({ length: perConversation }, (_, i) => {
      const number = n * perConversation + i;
      const sendID = senderOf(n, i);
      const sendTime = start + Math.floor((i * period) / perConversation);
      const words = (number * SPREAD) % messages < needles ? 'the needle' : HAY;
      const content = Buffer.from(JSON.stringify({ content: `${words} ${number}` }));
      const message = { sendID, contentType: CONTENT_TYPE_TEXT, sendTime, content };
      const data = make('sdkws.MsgData', { ...message, clientMsgID: `c${number}` });
      return { sendID, msgData: encode('sdkws.MsgData', data), sendTime, logTime: sendTime };
    });
    await fillConversation(store, { tenant, conversationID, after: 0 }, rows);
    await onFilled?.(n);
    filled += rows.length;
    if (performance.now() - printedAt < PROGRESS_MS) return;
    printedAt = performance.now();
    console.log(`  ${filled} stored after ${Math.round((printedAt - startedAt) / 1_000)} s`);
  });
}
