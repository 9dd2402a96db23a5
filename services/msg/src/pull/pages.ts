import type { TenantId } from '@im/contract';
import type { MsgRow, MsgRows, SeqsOf } from '@im/store';
import { type InConversation, rewriteQuotes } from './quotes.ts';
import type { ReadBounds } from './read-bounds.ts';
import { bytesOf, fitted, type Rendered, renderedPlaceholder, renderRow } from './render.ts';

/** Most messages of one answer; placeholders count, too. */
const ANSWER_MESSAGES = 5_000;
/** Rows read in the first round trip, before it is known how large they are. */
const FIRST_ROUND = 100;
/** Most and fewest rows read in one round trip. */
const ROUNDS = { most: 500, fewest: 20 };
/** Bytes of an entry in an answer without the conversation's id and its messages. */
const ENTRY_BYTES = 32;
/** With less than this left an answer is full. */
const FULL_BYTES = 1_024;
/** Bytes of an answer that a single message must leave to its entry. */
const MESSAGE_MARGIN_BYTES = 16_384;

/** Messages to read from one conversation. */
export interface Wanted {
  readonly bounds: ReadBounds;
  /** Most important first: those at the end are left out when the answer is full. */
  readonly seqs: readonly number[];
}

/** Those of the wanted messages that fit into the answer. */
export interface PulledPage {
  /** In seq order. */
  readonly messages: Rendered[];
  /** Some of the wanted messages did not fit. */
  readonly cut: boolean;
}

interface SeqRequest {
  readonly page: number;
  readonly seq: number;
}

/** What is left of one answer, in encoded bytes and in messages. */
export class AnswerBudget {
  readonly #messageLimit: number;
  #bytes: number;
  #messages = ANSWER_MESSAGES;

  /** @param bytes most bytes of the answer. */
  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#messageLimit = bytes - MESSAGE_MARGIN_BYTES;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get full(): boolean {
    return this.#bytes < FULL_BYTES || this.#messages === 0;
  }

  /** Takes an entry without messages. @returns false, and takes nothing, when it does not fit. */
  takeEntry(conversationID: string): boolean {
    return this.#take(Buffer.byteLength(conversationID) + ENTRY_BYTES);
  }

  /**
   * Takes a message, without its decoration when an answer could never hold it.
   * @returns the message to serve, or undefined when it does not fit into the rest of this answer.
   */
  takeMessage(rendered: Rendered): Rendered | undefined {
    const message = fitted(rendered, this.#messageLimit);
    if (this.#messages === 0 || !this.#take(bytesOf(message))) return undefined;
    this.#messages--;
    return message;
  }

  #take(bytes: number): boolean {
    if (bytes > this.#bytes) return false;
    this.#bytes -= bytes;
    return true;
  }
}

/**
 * Reads as many whole messages as fit into one answer, one page per wanted conversation. A seq without a message that the user may see is a placeholder: never one for a
 * message that merely did not fit, since clients keep placeholders for good.
 */
export async function readPages(
  rows: MsgRows,
  tenant: TenantId,
  userID: string,
  wanted: readonly Wanted[],
  budget: AnswerBudget,
): Promise<PulledPage[]> {
  const pages = wanted.map(() => ({ messages: [] as Rendered[], opened: false, cut: false }));
  const requests = wanted.flatMap(({ seqs }, page) => seqs.map((seq): SeqRequest => ({ page, seq })));
  let at = 0;
  let roundSize = FIRST_ROUND;
  let read = 0;
  let readBytes = 0;
  while (at < requests.length && !budget.full) {
    const round: SeqRequest[] = [];
    for (; at < requests.length && round.length < roundSize; at++) {
      const request = requests[at] as SeqRequest;
      if (!pages[request.page]?.cut) round.push(request);
    }
    const rendered = await renderRound(rows, tenant, userID, wanted, round);
    for (const [i, { page: index }] of round.entries()) {
      const page = pages[index] as (typeof pages)[number];
      const item = rendered[i] as Rendered;
      readBytes += bytesOf(item);
      if (page.cut) continue;
      page.opened ||= budget.takeEntry(wanted[index]?.bounds.conversationID ?? '');
      const message = page.opened ? budget.takeMessage(item) : undefined;
      if (message) page.messages.push(message);
      else page.cut = true;
    }
    read += round.length;
    const average = Math.max(1, readBytes / Math.max(1, read));
    roundSize = Math.min(ROUNDS.most, Math.max(ROUNDS.fewest, Math.ceil(budget.bytes / average)));
  }
  for (const { page } of requests.slice(at)) (pages[page] as (typeof pages)[number]).cut = true;
  return pages.map(({ messages, cut }) => ({ messages: messages.sort((a, b) => a.seq - b.seq), cut }));
}

function keyOf(conversationID: string, seq: number): string {
  return `${conversationID}/${seq}`;
}

/** The messages at these seqs, in this order, as the user sees them and with their sizes. */
async function renderRound(
  rows: MsgRows,
  tenant: TenantId,
  userID: string,
  wanted: readonly Wanted[],
  round: readonly SeqRequest[],
): Promise<Rendered[]> {
  const conversationOf = ({ page }: SeqRequest) => wanted[page]?.bounds.conversationID ?? '';
  const seqsOf = [...Map.groupBy(round, conversationOf)].map(
    ([conversationID, list]): SeqsOf => ({ conversationID, seqs: list.map(({ seq }) => seq) }),
  );
  const found = await rows.bySeqs(tenant, seqsOf);
  const rowOf = new Map<string, MsgRow>(found.map((row) => [keyOf(row.conversationID, row.seq), row]));
  const items = round.map((request): InConversation => {
    const conversationID = conversationOf(request);
    const row = rowOf.get(keyOf(conversationID, request.seq));
    const { bounds } = wanted[request.page] as Wanted;
    const rendered = row ? renderRow(row, userID, bounds) : renderedPlaceholder(request.seq);
    return { conversationID, rendered };
  });
  await rewriteQuotes(rows, tenant, items);
  return items.map(({ rendered }) => rendered);
}
