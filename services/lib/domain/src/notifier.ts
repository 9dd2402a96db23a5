import { type CallContext, detached, type Metrics, remainingMs } from '@im/kit';
import { callFields, type Logger, type TaskRunner } from '@im/process';
import {
  ERR,
  ImError,
  type MessageName,
  type Messages,
  make,
  type msg,
  toImError,
  toJson,
} from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';

/** Time that a notification gets to reach the log; msg itself tries for 9 s. */
const SEND_MS = 9_500;
/** Part of the caller's deadline that it keeps for its answer. */
const ANSWER_MS = 300;
/** Notifications of this process in flight; further ones are sent by their callers themselves. */
const MAX_RUNNING = 5_000;

/**
 * Notifications that one request sends concurrently. A request that notifies hundreds of users lets messages of others
 * pass between them.
 */
export const NOTIFICATIONS_AT_ONCE = 8;

/** Where a notification goes; the msg domain knows options and reliability by its content type. */
export type NotificationAddress = Pick<
  msg.SendNotificationReq,
  'contentType' | 'sessionType' | 'sendID' | 'recvID'
> &
  Partial<Omit<msg.SendNotificationReq, 'detail'>>;

/** Sends the notifications that follow a change of the database. */
export interface Notifier {
  /**
   * Hands a notification to the message log. Never rejects: the change has been made, so a failure is logged and counted.
   * Resolves when the log has it, or shortly before the call's deadline, in which case it continues in the
   * background. Awaiting each notification keeps the order of the log that of the changes.
   */
  send<N extends MessageName>(
    ctx: CallContext,
    address: NotificationAddress,
    tipsName: N,
    tips: Messages[N],
  ): Promise<void>;
  /**
   * As {@link send} for a record that must not be lost, which its caller keeps until it is in the log.
   * @throws ImError when the log has not taken it by shortly before the call's deadline; it may yet.
   */
  append<N extends MessageName>(
    ctx: CallContext,
    address: NotificationAddress,
    tipsName: N,
    tips: Messages[N],
  ): Promise<void>;
}

export interface NotifierDeps {
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tasks: TaskRunner;
}

/** A notifier over the msg domain's client. */
export function createNotifier({ rpc, log, metrics, tasks }: NotifierDeps): Notifier {
  const client = rpc.client('msg');
  const outcomes = metrics.counter(
    'openim_notifications_total',
    'Notifications handed to the log, by outcome',
    ['content_type', 'outcome'],
  );

  async function hand(ctx: CallContext, request: msg.SendNotificationReq): Promise<void> {
    const content_type = String(request.contentType);
    try {
      await client.sendNotification(detached(ctx, SEND_MS), request);
      outcomes.inc({ content_type, outcome: 'sent' });
    } catch (error) {
      outcomes.inc({ content_type, outcome: 'failed' });
      throw error;
    }
  }

  async function deliver(ctx: CallContext, request: msg.SendNotificationReq): Promise<void> {
    try {
      await hand(ctx, request);
    } catch (error) {
      log.error(
        { ...callFields(ctx), contentType: request.contentType, code: toImError(error).code, err: error },
        'notification lost',
      );
    }
  }

  return {
    async send(ctx, address, tipsName, tips) {
      const request = make('msg.SendNotificationReq', { ...address, detail: toJson(tipsName, tips) });
      const { promise: done, resolve } = Promise.withResolvers<void>();
      let here: Promise<void> | undefined;
      tasks.spawn('notification', () => deliver(ctx, request).finally(resolve), {
        limit: MAX_RUNNING,
        onRefused: () => {
          here = deliver(ctx, request);
        },
      });
      if (here !== undefined) return here;
      await untilDone(done, remainingMs(ctx) - ANSWER_MS);
    },
    async append(ctx, address, tipsName, tips) {
      const request = make('msg.SendNotificationReq', { ...address, detail: toJson(tipsName, tips) });
      let outcome: { readonly error?: unknown } | undefined;
      const { promise: done, resolve } = Promise.withResolvers<void>();
      const attempt = async () => {
        try {
          await hand(ctx, request);
          outcome = {};
        } catch (error) {
          outcome = { error };
        }
        resolve();
      };
      let here: Promise<void> | undefined;
      tasks.spawn('notification', attempt, {
        limit: MAX_RUNNING,
        onRefused: () => {
          here = attempt();
        },
      });
      if (here === undefined) await untilDone(done, remainingMs(ctx) - ANSWER_MS);
      else await here;
      if (outcome === undefined) throw new ImError(ERR.NetworkError, 'the log has not taken it in time');
      if ('error' in outcome) throw outcome.error;
    },
  };
}

async function untilDone(done: Promise<void>, ms: number): Promise<void> {
  if (ms <= 0) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([done, late]);
  clearTimeout(timer);
}
