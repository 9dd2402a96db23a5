import type { CallContext } from '@im/kit';
import { acceptLoss, type TaskRunner } from '@im/process';
import type { Store } from '@im/store';

/** Outcome of the send of an operation, as /msg/check_msg_is_send_success returns it. */
export const SEND_STATUS = { Unknown: 0, Sending: 1, Success: 2, Failed: 3 } as const;
const KIND = 'send-status';
const TTL_SECONDS = 86_400;

/** Remembers outcomes of HTTP sends by operationID for a day; without Redis they are unknown. */
export interface SendStatus {
  note(ctx: CallContext, status: number): void;
  read(ctx: CallContext): Promise<number>;
}

/** Keeps outcomes in Redis. */
export function sendStatus(store: Pick<Store, 'redis' | 'redisKey'>, tasks: TaskRunner): SendStatus {
  const keyOf = (ctx: CallContext) => store.redisKey(ctx.tenant, KIND, ctx.operationID);
  return {
    note(ctx, status) {
      tasks.spawn(
        'send-status',
        async () => {
          await store.redis.orElse<unknown>(
            (client) =>
              status === SEND_STATUS.Sending
                ? client.set(keyOf(ctx), String(status), 'EX', TTL_SECONDS, 'NX')
                : client.set(keyOf(ctx), String(status), 'EX', TTL_SECONDS),
            () => undefined,
          );
          // A status that is missing reads as unknown.
        },
        { onRefused: acceptLoss },
      );
    },
    async read(ctx) {
      const text = await store.redis.orElse(
        (client) => client.get(keyOf(ctx)),
        () => null,
      );
      return text === null ? SEND_STATUS.Unknown : Number(text);
    },
  };
}
