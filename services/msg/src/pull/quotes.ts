import type { TenantId } from '@im/contract';
import { CONTENT, decode, encode, MSG_STATUS, type sdkws } from '@im/protocol';
import type { MsgRow, MsgRows, SeqsOf } from '@im/store';
import { type Rendered, revokedContent } from './render.ts';

/** The part of a quote's content that is rewritten; the rest passes unchanged. */
interface QuoteContent {
  quoteMessage?: QuotedMessage;
  [field: string]: unknown;
}

interface QuotedMessage {
  seq?: unknown;
  clientMsgID?: unknown;
  sendID?: unknown;
  sendTime?: unknown;
  contentType?: unknown;
  content?: unknown;
  [field: string]: unknown;
}

/** A message of a conversation. */
export interface InConversation {
  readonly conversationID: string;
  readonly rendered: Rendered;
}

interface Quote extends InConversation {
  readonly message: sdkws.MsgData;
  readonly content: QuoteContent;
  readonly quoted: QuotedMessage;
  /** Seq of the quoted message; 0 when the client did not know it yet. */
  readonly seq: number;
}

const MISSING = '{}';
/** Fields of a quoted message that hold its content in another form. */
const ELEMENT = /Elem$/;
/** Largest content of a quote after it was rewritten; what it quotes is JSON inside JSON there. */
const MAX_QUOTE_BYTES = 320 * 1_024;
/** Seqs before a quote that are searched for its message when the quote has no seq. */
const LOOKBACK = 100;
/** Most rows searched for quotes without a seq, over all messages of one round. */
const MAX_SEARCHED = 1_000;

function quoteOf(item: InConversation): Quote | undefined {
  if (item.rendered.contentType !== CONTENT.Quote) return undefined;
  const message = decode('sdkws.MsgData', item.rendered.data);
  if (message.status >= MSG_STATUS.Deleted) return undefined;
  try {
    const content: QuoteContent = JSON.parse(Buffer.from(message.content).toString());
    const quoted = content.quoteMessage;
    if (typeof quoted !== 'object' || quoted === null) return undefined;
    const { seq } = quoted;
    const known = typeof seq === 'number' && Number.isSafeInteger(seq) && seq > 0;
    return { ...item, message, content, quoted, seq: known ? seq : 0 };
  } catch {
    // Content that isn't JSON quotes nothing.
    return undefined;
  }
}

/** The content shown in place of a quoted message that was revoked or removed; undefined while it is visible. */
function replacement(row: MsgRow | undefined): string | undefined {
  if (row?.msgData === undefined) return MISSING;
  if (!row.revoked) return undefined;
  return revokedContent(row, decode('sdkws.MsgData', row.msgData)).toString();
}

/** Whether the quote shows the message of this row. A removed message has lost its clientMsgID. */
function isQuoted({ quoted }: Quote, row: MsgRow): boolean {
  if (row.msgData === undefined) return row.sendID === quoted.sendID && row.sendTime === quoted.sendTime;
  return decode('sdkws.MsgData', row.msgData).clientMsgID === quoted.clientMsgID;
}

/** The content as JSON; undefined when it is too large, or nested too deeply to serialize. */
function serialized(content: QuoteContent): Buffer | undefined {
  try {
    const text = Buffer.from(JSON.stringify(content));
    return text.length <= MAX_QUOTE_BYTES ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the quoted message of a quote. */
function rewrite({ rendered, message, content, quoted, seq }: Quote, text: string): void {
  const hidden = { seq, contentType: CONTENT.MsgRevoke, content: text };
  const kept = Object.entries(quoted).filter(([field]) => !ELEMENT.test(field));
  const whole = { ...content, quoteMessage: { ...Object.fromEntries(kept), ...hidden } };
  const words = typeof content.text === 'string' ? content.text : '';
  const bytes =
    serialized(whole) ??
    serialized({ text: words, quoteMessage: hidden }) ??
    Buffer.from(JSON.stringify({ text: '', quoteMessage: { ...hidden, content: MISSING } }));
  message.content = bytes;
  rendered.data = encode('sdkws.MsgData', message);
}

function keyOf(conversationID: string, seq: number): string {
  return `${conversationID}/${seq}`;
}

/** The seqs shortly before quotes that have no seq. */
function seqsBefore(quotes: readonly Quote[]): SeqsOf[] {
  const wanted = new Map<string, Set<number>>();
  let count = 0;
  for (const { conversationID, rendered } of quotes) {
    const seqs = wanted.get(conversationID) ?? new Set<number>();
    wanted.set(conversationID, seqs);
    const last = rendered.seq - 1;
    for (let seq = last; seq >= 1 && seq > last - LOOKBACK && count < MAX_SEARCHED; seq--) {
      if (!seqs.has(seq)) count++;
      seqs.add(seq);
    }
  }
  return [...wanted].map(([conversationID, seqs]) => ({ conversationID, seqs: [...seqs] }));
}

/** Rewrites quotes without a seq of messages that have been revoked or removed. */
async function rewriteUnknown(rows: MsgRows, tenant: TenantId, quotes: readonly Quote[]): Promise<void> {
  if (quotes.length === 0) return;
  const hidden = Map.groupBy(
    await rows.hiddenBySeqs(tenant, seqsBefore(quotes)),
    ({ conversationID }) => conversationID,
  );
  for (const quote of quotes) {
    const row = hidden.get(quote.conversationID)?.find((candidate) => isQuoted(quote, candidate));
    const text = row && replacement(row);
    if (text !== undefined) rewrite(quote, text);
  }
}

/**
 * Removes revoked and removed messages from the quotes among these messages, in place: a quote carries a copy of
 * the message that it quotes.
 */
export async function rewriteQuotes(
  rows: MsgRows,
  tenant: TenantId,
  messages: readonly InConversation[],
): Promise<void> {
  const quotes = messages.flatMap((item) => quoteOf(item) ?? []);
  if (quotes.length === 0) return;
  const known = quotes.filter(({ seq }) => seq > 0);
  const wanted = [...Map.groupBy(known, ({ conversationID }) => conversationID)].map(
    ([conversationID, list]): SeqsOf => ({
      conversationID,
      seqs: [...new Set(list.map(({ seq }) => seq))],
    }),
  );
  const [read] = await Promise.all([
    rows.bySeqs(tenant, wanted),
    rewriteUnknown(
      rows,
      tenant,
      quotes.filter(({ seq }) => seq === 0),
    ),
  ]);
  const rowOf = new Map(read.map((row) => [keyOf(row.conversationID, row.seq), row]));
  for (const quote of known) {
    const text = replacement(rowOf.get(keyOf(quote.conversationID, quote.seq)));
    if (text !== undefined) rewrite(quote, text);
  }
}
