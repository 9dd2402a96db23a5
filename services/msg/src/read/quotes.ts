import type { TenantId } from '@im/kit';
import { CONTENT, decode, MSG_STATUS, type sdkws } from '@im/protocol';
import type { MsgRow, MsgRows } from '@im/store';
import { revokedContent } from './render.ts';

/** The part of a quote's content that matters here; everything else passes unchanged. */
interface QuoteContent {
  quoteMessage?: { seq?: unknown; contentType?: unknown; content?: unknown; [field: string]: unknown };
  [field: string]: unknown;
}

interface Quote {
  readonly message: sdkws.MsgData;
  readonly content: QuoteContent;
  readonly seq: number;
}

const MISSING = '{}';
/** Fields of a quoted message that hold its content in another form. */
const ELEMENT = /Elem$/;

function quoteOf(message: sdkws.MsgData): Quote | undefined {
  if (message.contentType !== CONTENT.Quote || message.status >= MSG_STATUS.Deleted) return undefined;
  try {
    const content: QuoteContent = JSON.parse(Buffer.from(message.content).toString());
    const seq = content.quoteMessage?.seq;
    return typeof seq === 'number' && Number.isSafeInteger(seq) && seq > 0
      ? { message, content, seq }
      : undefined;
  } catch {
    // Content that isn't JSON quotes nothing.
    return undefined;
  }
}

/** What a quoted message reads as when it is no longer to be seen; undefined while it is. */
function replacement(row: MsgRow | undefined): string | undefined {
  if (row?.msgData === undefined) return MISSING;
  if (!row.revoked) return undefined;
  return revokedContent(row, decode('sdkws.MsgData', row.msgData)).toString();
}

/**
 * Takes revoked and vanished messages out of the quotes among these messages of one conversation, in
 * place: a quote carries a copy of what it quotes.
 */
export async function rewriteQuotes(
  rows: MsgRows,
  tenant: TenantId,
  conversationID: string,
  messages: readonly sdkws.MsgData[],
): Promise<void> {
  const quotes = messages.flatMap((message) => quoteOf(message) ?? []);
  if (quotes.length === 0) return;
  const seqs = [...new Set(quotes.map(({ seq }) => seq))];
  const quoted = new Map(
    (await rows.bySeqs(tenant, [{ conversationID, seqs }])).map((row) => [row.seq, row]),
  );
  for (const { message, content, seq } of quotes) {
    const text = replacement(quoted.get(seq));
    if (text === undefined || !content.quoteMessage) continue;
    const kept = Object.entries(content.quoteMessage).filter(([field]) => !ELEMENT.test(field));
    content.quoteMessage = { ...Object.fromEntries(kept), contentType: CONTENT.MsgRevoke, content: text };
    message.content = Buffer.from(JSON.stringify(content));
  }
}
