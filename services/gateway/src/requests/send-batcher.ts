import { asksWhileSending, DEFAULT_TENANT, type TenantId } from '@im/contract';
import {
  Batcher,
  type CallContext,
  ExpiredInQueueError,
  endWith,
  type Metrics,
  QueueFullError,
  type Settle,
  systemContext,
  type TenantDirectory,
  type Tracing,
  withSpan,
} from '@im/kit';
import { ERR, ImError, type msg } from '@im/protocol';
import type { DomainService } from '@im/rpc';

export interface SendBatcherDeps {
  readonly msg: Pick<DomainService<'msg'>, 'sendMsgs'>;
  readonly tenants: Pick<TenantDirectory, 'get' | 'onChange'>;
  readonly metrics: Metrics;
  /** Time limit of a batch, ms. */
  readonly timeoutMs: number;
  /** Name of this gateway, for trace ids of batches. */
  readonly instanceId: string;
  /** Largest request of a call between processes, bytes; a batch stays well below it. */
  readonly maxMessageBytes: number;
  readonly tracing: Tracing;
}

const MAX_BATCH = 500;
/** A batch of large messages occupies each following step only briefly. */
const MAX_BATCH_BYTES = 262_144;
const MAX_IN_FLIGHT = 8;
const MAX_QUEUE = 20_000;
const MAX_QUEUE_BYTES = 128 * 1_048_576;
/** A tenant whose sends are slow leaves at least half of the queue to the others. */
const MAX_OF_TENANT = MAX_QUEUE / 2;
/** Sends, and their bytes, of one tenant that may all be waiting for its webhook; messages are small, as a rule. */
const MAX_ASKING = 2_000;
const MAX_ASKING_BYTES = 16 * 1_048_576;
/**
 * A batch with items that take longer than this gives its place to the next one, ms. Shorter times make batches smaller
 * on a busy machine: with 25 ms a message costs 5 % more CPU.
 */
const SLOT_MS = 100;
/** Tags, lengths, numbers and traceparent of an item on the wire, at most. */
const ITEM_OVERHEAD = 128;

/** An item as it is sent: outside of sampled traces without a traceparent, of which even an empty one has bytes. */
type Item = Omit<msg.SendItem, 'traceparent'> & Partial<Pick<msg.SendItem, 'traceparent'>>;

/** A send and the time after which no caller waits for it, ms since the epoch. */
interface Send {
  readonly item: Item;
  readonly deadline: number;
}

/** Size of the whole item on the wire, from above: a character has at most three bytes per code unit. */
function sizeOf({ item }: Send): number {
  const { tenant, operationID, opUserID, connID, msgData } = item;
  const text = tenant.length + operationID.length + opUserID.length + connID.length;
  return msgData.length + 3 * text + ITEM_OVERHEAD;
}

/**
 * Sends of all connections: what arrives in one tick is one call, and each has its answer when it is done. Sends that may
 * wait for a webhook of their tenant travel apart from those of others, within bounds that are the tenant's.
 */
export class SendBatcher {
  readonly #deps: SendBatcherDeps;
  readonly #batcher: Batcher<Send, msg.SendResult>;
  /** Of tenants whose webhooks are asked about messages. */
  readonly #asking = new Map<TenantId, Batcher<Send, msg.SendResult>>();
  readonly #endListening: () => void;
  /** Sends without an answer by tenant. */
  readonly #waiting = new Map<string, number>();
  #batches = 0;

  constructor(deps: SendBatcherDeps) {
    this.#deps = deps;
    this.#batcher = this.#newBatcher('gateway_send', MAX_QUEUE, MAX_QUEUE_BYTES);
    this.#endListening = deps.tenants.onChange((tenant, settings) => {
      // What it has in flight gets its results all the same.
      if (!settings || !asksWhileSending(settings)) this.#asking.delete(tenant);
    });
  }

  /**
   * Sends one message and resolves once the log has it.
   * @param msgData sdkws.MsgData with a clientMsgID; otherwise as the client sent it.
   * @throws ImError with the sender's business code, or a retryable one.
   */
  async send(ctx: CallContext, msgData: Uint8Array): Promise<msg.SendMsgResp> {
    const item: Item = {
      tenant: ctx.tenant,
      operationID: ctx.operationID,
      opUserID: ctx.opUserID,
      opPlatformID: ctx.opPlatformID,
      opAdmin: ctx.opAdmin,
      connID: ctx.connID,
      msgData,
      timeoutMs: 0,
    };
    if (ctx.span) item.traceparent = ctx.span.traceparent;
    const result = await this.#add(ctx, item);
    if (result.code !== 0) {
      throw new ImError(result.code, result.detail, result.message === '' ? undefined : result.message);
    }
    if (!result.resp) throw new ImError(ERR.ServerInternalError, 'sendMsgs returned no answer');
    return result.resp;
  }

  /** Resolves when all sends handed in have their results. */
  async stop(): Promise<void> {
    this.#endListening();
    await Promise.all([this.#batcher, ...this.#asking.values()].map((batcher) => batcher.close()));
  }

  #newBatcher(name: string, maxQueue: number, maxQueueBytes: number): Batcher<Send, msg.SendResult> {
    const deps = this.#deps;
    return new Batcher({
      name,
      maxBatch: MAX_BATCH,
      maxBytes: Math.min(MAX_BATCH_BYTES, deps.maxMessageBytes / 2),
      sizeOf,
      maxQueue,
      maxQueueBytes,
      maxInFlight: MAX_IN_FLIGHT,
      slotMs: SLOT_MS,
      expiresAt: ({ deadline }) => deadline,
      metrics: deps.metrics,
      run: (sends, settle) => this.#run(deps, sends, settle),
    });
  }

  #batcherOf(tenant: TenantId): Batcher<Send, msg.SendResult> {
    const settings = this.#deps.tenants.get(tenant);
    if (!settings || !asksWhileSending(settings)) return this.#batcher;
    let batcher = this.#asking.get(tenant);
    if (!batcher) {
      batcher = this.#newBatcher('gateway_send_asking', MAX_ASKING, MAX_ASKING_BYTES);
      this.#asking.set(tenant, batcher);
    }
    return batcher;
  }

  async #run(
    { msg, instanceId, timeoutMs, tracing }: SendBatcherDeps,
    sends: readonly Send[],
    settle: Settle<msg.SendResult>,
  ): Promise<undefined> {
    // A batch mixes tenants: each item carries its own; the call itself is the gateway's.
    const trace = `${instanceId}-${++this.#batches}`;
    const now = Date.now();
    const items = sends.map(({ item, deadline }) => {
      item.timeoutMs = Math.max(1, Math.min(timeoutMs, deadline - now));
      return item;
    });
    const left = Math.max(...items.map((item) => item.timeoutMs));
    const take = ({ results, indexes }: msg.SendMsgsResp) => {
      for (const [i, result] of results.entries()) settle(indexes[i] ?? i, result);
    };
    const span = tracing.tracer?.gather(
      items.flatMap(({ traceparent }) => traceparent || []),
      'send batch',
      { attributes: { 'openim.batch_size': items.length } },
    );
    // Of a part, every result names its item; an answer without indexes has them all.
    const ctx: CallContext = {
      ...systemContext(DEFAULT_TENANT, trace, { timeoutMs: left }),
      onPartial: (answer) => take(answer as msg.SendMsgsResp),
    };
    const answer = msg.sendMsgs(withSpan(ctx, span), { items: items as msg.SendItem[] });
    if (span) endWith(span, answer);
    take(await answer);
    return undefined;
  }

  async #add(ctx: CallContext, item: Item): Promise<msg.SendResult> {
    const { tenant, deadline } = ctx;
    const waiting = this.#waiting.get(tenant) ?? 0;
    if (waiting >= MAX_OF_TENANT) {
      throw new ImError(ERR.TooManyRequests, `${waiting} sends of this tenant wait, try again`);
    }
    this.#waiting.set(tenant, waiting + 1);
    try {
      return await this.#batcherOf(tenant).add({ item, deadline });
    } catch (error) {
      if (error instanceof QueueFullError) throw new ImError(ERR.TooManyRequests, error.message);
      if (error instanceof ExpiredInQueueError) throw new ImError(ERR.NetworkError, error.message);
      throw error;
    } finally {
      const left = (this.#waiting.get(tenant) ?? 1) - 1;
      if (left > 0) this.#waiting.set(tenant, left);
      else this.#waiting.delete(tenant);
    }
  }
}
