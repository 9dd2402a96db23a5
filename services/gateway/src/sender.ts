import { Batcher, background, type CallContext, DEFAULT_TENANT, type Metrics, QueueFullError } from '@im/kit';
import { ERR, ImError, type msg } from '@im/protocol';
import type { DomainService } from '@im/rpc';

/** Parts of {@link Sender}. */
export interface SenderDeps {
  readonly msg: Pick<DomainService<'msg'>, 'sendMsgs'>;
  readonly metrics: Metrics;
  /** Time limit of a batch, ms. */
  readonly timeoutMs: number;
  /** Name of this gateway, for trace ids of batches. */
  readonly instanceId: string;
}

const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 4 * 1_048_576;
const MAX_IN_FLIGHT = 8;
const MAX_QUEUE = 20_000;

/** Sends of all connections: what arrives in one tick is one call. */
export class Sender {
  readonly #batcher: Batcher<msg.SendItem, msg.SendResult>;
  #batches = 0;

  constructor(deps: SenderDeps) {
    this.#batcher = new Batcher({
      name: 'gateway_send',
      maxBatch: MAX_BATCH,
      maxBytes: MAX_BATCH_BYTES,
      sizeOf: (item) => item.msgData.length,
      maxQueue: MAX_QUEUE,
      maxInFlight: MAX_IN_FLIGHT,
      metrics: deps.metrics,
      run: async (items) => {
        // A batch mixes tenants: each item carries its own; the call itself is the gateway's.
        const trace = `${deps.instanceId}-${++this.#batches}`;
        const ctx = background(DEFAULT_TENANT, trace, { timeoutMs: deps.timeoutMs });
        const { results } = await deps.msg.sendMsgs(ctx, { items: [...items] });
        return results;
      },
    });
  }

  /**
   * Sends one message and resolves once the log has it.
   * @param msgData sdkws.MsgData with a clientMsgID; otherwise as the client sent it.
   * @throws ImError with the sender's business code, or a retryable one.
   */
  async send(ctx: CallContext, msgData: Uint8Array): Promise<msg.SendMsgResp> {
    const result = await this.#add({
      tenant: ctx.tenant,
      operationID: ctx.operationID,
      opUserID: ctx.opUserID,
      opPlatformID: ctx.opPlatformID,
      opAdmin: ctx.opAdmin,
      connID: ctx.connID,
      msgData,
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

  async #add(item: msg.SendItem): Promise<msg.SendResult> {
    try {
      return await this.#batcher.add(item);
    } catch (error) {
      if (error instanceof QueueFullError) throw new ImError(ERR.TooManyRequests, error.message);
      throw error;
    }
  }
}
