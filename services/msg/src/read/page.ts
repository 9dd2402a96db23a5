import type { TenantId } from '@im/kit';
import type { sdkws } from '@im/protocol';
import type { MsgRow, MsgRows } from '@im/store';
import type { Access } from './access.ts';
import { rewriteQuotes } from './quotes.ts';
import { placeholder, renderedBytes, renderRow } from './render.ts';

/**
 * Most bytes of messages in one answer. Go clients drop frames above 1 MiB and ask again for ever;
 * the envelope, ids of conversations and rounding take the rest.
 */
export const ANSWER_BYTES = 850 * 1_024;
/** Most messages of one answer; placeholders are small, but not nothing. */
const ANSWER_MESSAGES = 5_000;
/** Rows read in one round trip. */
const ROUND = 100;

/** What is wanted of one conversation. */
export interface Wanted {
  readonly access: Access;
  /** In the order of importance: what does not fit into the answer is missing at the end. */
  readonly seqs: readonly number[];
}

/** What fits of it. */
export interface Page {
  /** In seq order. */
  readonly messages: sdkws.MsgData[];
  /** Some of the wanted messages did not fit. */
  readonly cut: boolean;
}

/** What is left of the size of one answer. */
interface Budget {
  bytes: number;
  messages: number;
}

interface Request {
  readonly page: number;
  readonly seq: number;
}

/**
 * Reads what is wanted, as many whole messages as fit into one answer, one page per wanted
 * conversation. A seq without a message that the user may see is a placeholder: never one for a
 * message that merely did not fit, since clients keep placeholders for good.
 */
export async function readPages(
  rows: MsgRows,
  tenant: TenantId,
  userID: string,
  wanted: readonly Wanted[],
): Promise<Page[]> {
  const budget: Budget = { bytes: ANSWER_BYTES, messages: ANSWER_MESSAGES };
  const requests = wanted.flatMap(({ seqs }, page) => seqs.map((seq): Request => ({ page, seq })));
  const found: MsgRow[][] = wanted.map(() => []);
  const holes: number[][] = wanted.map(() => []);
  const cut = wanted.map(() => false);

  let at = 0;
  while (at < requests.length && budget.bytes > 0) {
    const round = requests.slice(at, at + ROUND);
    const byKey = await readRound(rows, tenant, wanted, round);
    for (const { page, seq } of round) {
      const row = byKey.get(`${page}/${seq}`);
      const size = renderedBytes(row);
      if (cut[page]) continue;
      if (size > budget.bytes || budget.messages === 0) {
        cut[page] = true;
        continue;
      }
      budget.bytes -= size;
      budget.messages--;
      if (row) found[page]?.push(row);
      else holes[page]?.push(seq);
    }
    at += round.length;
  }
  for (const { page } of requests.slice(at)) cut[page] = true;

  return Promise.all(
    wanted.map(async ({ access }, page) => {
      const messages = [
        ...(found[page] ?? []).map((row) => renderRow(row, userID, access)),
        ...(holes[page] ?? []).map(placeholder),
      ].sort((a, b) => a.seq - b.seq);
      await rewriteQuotes(rows, tenant, access.conversationID, messages);
      return { messages, cut: cut[page] ?? false };
    }),
  );
}

async function readRound(
  rows: MsgRows,
  tenant: TenantId,
  wanted: readonly Wanted[],
  round: readonly Request[],
): Promise<Map<string, MsgRow>> {
  const seqsByPage = Map.groupBy(round, ({ page }) => page);
  const seqsOf = [...seqsByPage].map(([page, list]) => ({
    conversationID: wanted[page]?.access.conversationID ?? '',
    seqs: list.map(({ seq }) => seq),
  }));
  const read = await rows.bySeqs(tenant, seqsOf);
  const byConversation = new Map(read.map((row) => [`${row.conversationID}/${row.seq}`, row]));
  const byKey = new Map<string, MsgRow>();
  for (const { page, seq } of round) {
    const row = byConversation.get(`${wanted[page]?.access.conversationID}/${seq}`);
    if (row) byKey.set(`${page}/${seq}`, row);
  }
  return byKey;
}
