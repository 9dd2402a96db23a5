import { asksWhileSending, type TenantId, type TenantSettings } from '@im/contract';
import type { CallContext } from '@im/kit';
import { argsError, CONTENT, encode, ImError, isNotificationType, SESSION, type sdkws } from '@im/protocol';
import { isRefusal, messageBody, pushBody } from '@im/webhooks';
import type { MsgDeps } from '../deps.ts';
import { checkMessageShape } from './message-shape.ts';
import { type Modified, modified } from './modify.ts';
import { newConversations } from './new-conversations.ts';
import { forceOptions, type RecordDecision, receiversOf, serverMsgID } from './record.ts';
import { type SendDecision, sendDecisions } from './send-decisions.ts';
import {
  requireNotForged,
  requireReceiver,
  type SendPermissionDeps,
  type Verdict,
} from './send-permissions.ts';

/** A message of a client that passed the checks. */
export interface CheckedMessage {
  readonly settings: TenantSettings;
  /** Its key in the log, made of what the client sent. */
  readonly key: Buffer;
  readonly message: sdkws.MsgData;
  readonly verdict: Pick<Verdict, 'ensureOwners' | 'memberVersion'>;
}

/** The message as it goes to the log. */
export interface DecidedMessage extends Modified, RecordDecision {
  readonly verdict: CheckedMessage['verdict'];
  /** Reports what the record makes, once it is in the log. @throws ImError 90004 when that cannot be stored. */
  report(): Promise<void>;
}

/** The webhooks that are asked while a client's message is sent. */
export interface SendWebhooks {
  /** Whether any is asked about this message. */
  asksAbout(settings: TenantSettings, message: sdkws.MsgData): boolean;
  /**
   * Asks about a message, unless another attempt at sending it was decided already.
   * @throws the refusal; ImError 90004 or 90007 when a webhook could not be asked; 1001 for an answer that makes it
   * a message that cannot be sent.
   */
  decide(ctx: CallContext, checked: CheckedMessage): Promise<DecidedMessage>;
}

export type SendWebhooksDeps = SendPermissionDeps & Pick<MsgDeps, 'webhooks' | 'store'>;

/** Members whom an answer may name as those to push to: they travel with the message. */
const MAX_NAMED = 1_000;

/** The webhooks of a process, with decisions that all processes share. */
export function sendWebhooks(deps: SendWebhooksDeps): SendWebhooks {
  const { webhooks } = deps;
  const decisions = sendDecisions(deps.store);
  const conversations = newConversations(deps);

  /** @throws the refusal. */
  async function ask(ctx: CallContext, { settings, message }: CheckedMessage): Promise<SendDecision> {
    const { sessionType, sendID, recvID, groupID, sendTime } = message;
    if (sessionType === SESSION.Group) {
      if (webhooks.enabled(ctx, 'beforeSendGroupMsg'))
        await webhooks.before(ctx, 'beforeSendGroupMsg', { ...messageBody(message), groupID });
    } else if (!settings.adminUserIDs.includes(sendID) && webhooks.enabled(ctx, 'beforeSendSingleMsg')) {
      await webhooks.before(ctx, 'beforeSendSingleMsg', { ...messageBody(message), recvID });
    }
    const modify = webhooks.enabled(ctx, 'beforeMsgModify')
      ? await webhooks.before(ctx, 'beforeMsgModify', messageBody(message))
      : undefined;
    const pushTo = await audienceOf(ctx, modify ? modified(message, modify).message : message);
    return { sendTime, ...(modify && { modify }), ...(pushTo && { pushTo }) };
  }

  /** Those whom an answer lets a message be pushed to; undefined for all whom it is for. */
  async function audienceOf(ctx: CallContext, message: sdkws.MsgData): Promise<string[] | undefined> {
    const isGroup = message.sessionType === SESSION.Group;
    const event = isGroup ? 'beforeGroupOnlinePush' : 'beforeOnlinePush';
    if (!webhooks.enabled(ctx, event)) return undefined;
    const body = pushBody(message);
    let named: readonly string[] = [];
    try {
      if (isGroup) {
        const reply = await webhooks.before(ctx, 'beforeGroupOnlinePush', { ...body, seq: 0 });
        named = reply?.userIDList ?? [];
      } else {
        await webhooks.before(ctx, 'beforeOnlinePush', { ...body, userIDList: receiversOf(message) });
      }
    } catch (error) {
      // It is stored all the same, and read when its receivers synchronize.
      if (isRefusal(error)) return [];
      throw error;
    }
    return named.length === 0 ? undefined : membersAmong(ctx.tenant, message.groupID, named);
  }

  async function membersAmong(tenant: TenantId, groupID: string, userIDs: readonly string[]) {
    if (userIDs.length > MAX_NAMED) {
      throw argsError(
        `the answer of webhook beforeGroupOnlinePush: userIDList has more than ${MAX_NAMED} ids`,
      );
    }
    const found = await deps.members.find(tenant, groupID, userIDs);
    return found.map(({ userID }) => userID);
  }

  async function decisionOn(ctx: CallContext, checked: CheckedMessage): Promise<SendDecision> {
    const { tenant } = ctx;
    const id = checked.key.toString('hex');
    const known = await decisions.find(tenant, id);
    if (known) return known;
    let decision: SendDecision;
    try {
      decision = await ask(ctx, checked);
    } catch (error) {
      // What the receiver decided is kept, an answer that makes no message included. It is asked again if it could not be.
      if (!isRefusal(error)) throw error;
      const { code, errMsg, detail } = error;
      decision = { refused: { code, errMsg, detail }, sendTime: checked.message.sendTime };
    }
    return decisions.keep(tenant, id, decision);
  }

  /** Checks what the answer made of a message, by the rights of its sender. */
  async function recheck(ctx: CallContext, checked: CheckedMessage, { message }: Modified) {
    const { sessionType, recvID, groupID } = message;
    const { message: sent, verdict } = checked;
    if (sessionType !== SESSION.Single && sessionType !== SESSION.Group)
      throw argsError('the answer of webhook beforeMsgModify: sessionType must be 1 or 3');
    checkMessageShape(message, encode('sdkws.MsgData', message).length);
    if (!ctx.opAdmin) requireNotForged(message);
    message.options = { ...message.options };
    forceOptions(message.contentType, message.options);
    if (sessionType === sent.sessionType && recvID === sent.recvID && groupID === sent.groupID)
      return verdict;
    const other = await requireReceiver(deps, ctx.tenant, message);
    if (other.quiet) message.options.offlinePush = false;
    return other;
  }

  return {
    asksAbout(settings, { sessionType, contentType }) {
      return (
        asksWhileSending(settings) &&
        sessionType !== SESSION.Notification &&
        contentType !== CONTENT.Typing &&
        !isNotificationType(contentType)
      );
    },
    async decide(ctx, checked) {
      const { message, key, verdict } = checked;
      message.serverMsgID = serverMsgID(key);
      const { refused, modify, pushTo, sendTime } = await decisionOn(ctx, checked);
      if (refused) throw new ImError(refused.code, refused.detail, refused.errMsg);
      message.sendTime = sendTime;
      const result = modify ? modified(message, modify) : { message, changes: undefined };
      const decided = { ...result, serverMsgID: result.message.serverMsgID, ...(pushTo && { pushTo }) };
      const known = result.changes ? await recheck(ctx, checked, result) : verdict;
      const records = known.ensureOwners ? await conversations.decide(ctx, result.message) : undefined;
      return { ...decided, verdict: known, ...(records ?? { report: async () => {} }) };
    },
  };
}
