import { DEFAULT_TENANT } from '@im/contract';
import {
  Batcher,
  type CallContext,
  ExpiredInQueueError,
  type Metrics,
  QueueFullError,
  type Settle,
  systemContext,
} from '@im/kit';
import { ERR, ImError, type msg } from '@im/protocol';
import type { DomainService } from '@im/rpc';

export interface SendBatcherDeps {
  readonly msg: Pick<DomainService<'msg'>, 'sendMsgs'>;
  readonly metrics: Metrics;
  /** Time limit of a batch, ms. */
  readonly timeoutMs: number;
  /** Name of this gateway, for trace ids of batches. */
  readonly instanceId: string;
  /** Largest request of a call between processes, bytes; a batch stays well below it. */
  readonly maxMessageBytes: number;
}

const MAX_BATCH = 500;
/** A batch of large messages occupies each following step only briefly. */
const MAX_BATCH_BYTES = 524_288;
const MAX_IN_FLIGHT = 8;
const MAX_QUEUE = 20_000;
const MAX_QUEUE_BYTES = 128 * 1_048_576;
/** A tenant whose sends are slow leaves at least half of the queue to the others. */
const MAX_OF_TENANT = MAX_QUEUE / 2;
/** A batch with items that take longer than this gives its place to the next one, ms. */
const SLOT_MS = 25;
/** Tags, lengths and numbers of an item on the wire, at most. */
const ITEM_OVERHEAD = 64;

/** A send and the time after which no caller waits for it, ms since the epoch. */
interface Send {
  readonly item: msg.SendItem;
  readonly deadline: number;
}

/** Size of the whole item on the wire, from above: a character has at most three bytes per code unit. */
function sizeOf({ item }: Send): number {
  const { tenant, operationID, opUserID, connID, msgData } = item;
  const text = tenant.length + operationID.length + opUserID.length + connID.length;
  return msgData.length + 3 * text + ITEM_OVERHEAD;
}

/** Sends of all connections: what arrives in one tick is one call, and each has its answer when it is done. */
export class SendBatcher {
  readonly #batcher: Batcher<Send, msg.SendResult>;
  /** Sends without an answer by tenant. */
  readonly #waiting = new Map<string, number>();
  #batches = 0;

  constructor(deps: SendBatcherDeps) {
    this.#batcher = new Batcher({
      name: 'gateway_send',
      maxBatch: MAX_BATCH,
      maxBytes: Math.min(MAX_BATCH_BYTES, deps.maxMessageBytes / 2),
      sizeOf,
      maxQueue: MAX_QUEUE,
      maxQueueBytes: MAX_QUEUE_BYTES,
      maxInFlight: MAX_IN_FLIGHT,
      slotMs: SLOT_MS,
      expiresAt: ({ deadline }) => deadline,
      metrics: deps.metrics,
      run: (sends, settle) => this.#run(deps, sends, settle),
    });
  }

  /**
   * Sends one message and resolves once the log has it.
   * @param msgData sdkws.MsgData with a clientMsgID; otherwise as the client sent it.
   * @throws ImError with the sender's business code, or a retryable one.
   */
  async send(ctx: CallContext, msgData: Uint8Array): Promise<msg.SendMsgResp> {
    const result = await this.#add(ctx, {
      tenant: ctx.tenant,
      operationID: ctx.operationID,
      opUserID: ctx.opUserID,
      opPlatformID: ctx.opPlatformID,
      opAdmin: ctx.opAdmin,
      connID: ctx.connID,
      msgData,
      timeoutMs: 0,
    });
    if (result.code !== 0) {
      throw new ImError(result.code, result.detail, result.message === '' ? undefined : result.message);
    }
    if (!result.resp) throw new ImError(ERR.ServerInternalError, 'sendMsgs returned no answer');
    return result.resp;
  }

  /** Resolves when all sends handed in have their results. */
  async stop(): Promise<void> {
    await this.#batcher.close();
  }

  async #run(
    { msg, instanceId, timeoutMs }: SendBatcherDeps,
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
    // Of a part, every result names its item; an answer without indexes has them all.
    const ctx: CallContext = {
      ...systemContext(DEFAULT_TENANT, trace, { timeoutMs: left }),
      onPartial: (answer) => take(answer as msg.SendMsgsResp),
    };
    take(await msg.sendMsgs(ctx, { items }));
    return undefined;
  }

  async #add(ctx: CallContext, item: msg.SendItem): Promise<msg.SendResult> {
    const { tenant, deadline } = ctx;
    const waiting = this.#waiting.get(tenant) ?? 0;
    if (waiting >= MAX_OF_TENANT) {
      throw new ImError(ERR.TooManyRequests, `${waiting} sends of this tenant wait, try again`);
    }
    this.#waiting.set(tenant, waiting + 1);
    try {
      return await this.#batcher.add({ item, deadline });
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
