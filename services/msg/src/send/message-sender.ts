import type { TenantSettings } from '@im/contract';
import { type CallContext, createCache, endWith, randomId, unknownTenant } from '@im/kit';
import {
  CONTENT,
  ERR,
  encode,
  ImError,
  MSG_FROM,
  make,
  type msg,
  PLACEMENT_CODES,
  SESSION,
  type sdkws,
} from '@im/protocol';
import type { MsgDeps } from '../deps.ts';
import { MentionMarker, type Mentions, mentionsOf } from './mentions.ts';
import { checkMessageShape } from './message-shape.ts';
import {
  buildRecord,
  changeKey,
  dedupKey,
  forceOptions,
  type MembershipChange,
  type RecordDecision,
} from './record.ts';
import { referenceMetrics } from './reference-metrics.ts';
import {
  requireMaySend,
  requireNotForged,
  type SendPermissionDeps,
  type Verdict,
} from './send-permissions.ts';
import { type CheckedMessage, sendWebhooks } from './send-webhooks.ts';
import { sendTransient } from './transient.ts';

/** Answers that retries get again without another append; the log drops later retries. */
const RECENT = { name: 'msg-recent-sends', max: 20_000, ttlMs: 300_000, asksStores: false };

/** Label of metrics by session type. */
const SESSION_LABELS: ReadonlyMap<number, string> = new Map([
  [SESSION.Single, 'single'],
  [SESSION.Group, 'group'],
  [SESSION.Notification, 'account'],
]);

/** Checks messages and appends them to the log. */
export interface MessageSender {
  /**
   * Checks, completes and appends one message; `message` is taken over. Resolves when the log has it.
   * @param encodedBytes size of the message as received.
   * @throws ImError: 1001 naming the field, 1002, or why the receiver cannot be written to; 429 for
   * a rate; 90004 when the log did not acknowledge in time.
   */
  send(ctx: CallContext, message: sdkws.MsgData, encodedBytes: number): Promise<msg.SendMsgResp>;
  /** Appends a message of the server itself, without checks. */
  append(ctx: CallContext, message: sdkws.MsgData, change?: CarriedChange): Promise<msg.SendMsgResp>;
}

/** A change that a message of the server carries. */
export interface CarriedChange extends Pick<RecordDecision, 'newConversation'> {
  readonly membership?: MembershipChange;
  /** Id of the change: its record counts once, however often it is appended. @default none */
  readonly changeID?: string;
  /** Notifications to single users, delivered after it. */
  readonly also?: readonly sdkws.MsgData[];
}

/** What most messages carry. */
const NOTHING: CarriedChange = {};

/** Results of the checks that become part of the record. */
type Checked = Pick<Verdict, 'ensureOwners' | 'memberVersion'>;

export type MessageSenderDeps = SendPermissionDeps &
  Pick<
    MsgDeps,
    | 'bus'
    | 'store'
    | 'tenants'
    | 'metrics'
    | 'rpc'
    | 'tasks'
    | 'log'
    | 'limits'
    | 'parked'
    | 'mentionAll'
    | 'webhooks'
  >;

/** The sender of a process. */
export function createMessageSender(deps: MessageSenderDeps): MessageSender {
  const { bus, tenants, metrics, parked } = deps;
  const marker = new MentionMarker(deps);
  const webhooks = sendWebhooks(deps);
  const recent = createCache<msg.SendMsgResp>({ ...RECENT, metrics });
  const sent = metrics.counter('openim_msg_sent_total', 'Messages by outcome', ['session', 'outcome']);
  referenceMetrics(metrics, sent);

  function settingsOf({ tenant }: CallContext): TenantSettings {
    const settings = tenants.get(tenant);
    if (!settings) throw unknownTenant(tenant);
    return settings;
  }

  /** Fills in missing fields, and resets those that the sender may not set. */
  function complete(ctx: CallContext, message: sdkws.MsgData): void {
    if (!ctx.opAdmin) message.msgFrom = MSG_FROM.User;
    if (message.clientMsgID === '') message.clientMsgID = randomId();
    if (message.sendTime === 0) message.sendTime = Date.now();
    forceOptions(message.contentType, message.options);
  }

  async function append(
    ctx: CallContext,
    key: Buffer,
    message: sdkws.MsgData,
    { ensureOwners, memberVersion }: Checked,
    carried: CarriedChange & RecordDecision = NOTHING,
  ): Promise<msg.SendMsgResp> {
    parked.check(ctx.tenant, message);
    const { clientMsgID, sendTime } = message;
    const { record, queueKey } = buildRecord(
      ctx,
      key,
      message,
      ensureOwners,
      memberVersion,
      carried.membership,
      carried.also,
      carried,
    );
    record.placement = PLACEMENT_CODES[settingsOf(ctx).placement];
    // A change of members takes effect by its record, which is accepted even while messages are refused.
    const moves = record.addedUserIDs.length + record.removedUserIDs.length > 0;
    const options = { whenFull: moves, queueKey };
    const partition = bus.partitionOf(queueKey);
    const span = ctx.span?.child('append to log', {
      kind: 'producer',
      attributes: { 'openim.partition': partition },
    });
    if (span) record.traceparent = span.traceparent;
    const appended = bus.log.append(ctx.tenant, partition, encode('log.Record', record), options);
    if (span) endWith(span, appended);
    await appended;
    return make('msg.SendMsgResp', { serverMsgID: message.serverMsgID, clientMsgID, sendTime });
  }

  async function check(ctx: CallContext, message: sdkws.MsgData, encodedBytes: number): Promise<Checked> {
    checkMessageShape(message, encodedBytes);
    deps.limits.take(ctx, encodedBytes);
    // A message without options shares the empty map of its type.
    message.options = { ...message.options };
    if (!ctx.opAdmin) {
      if (message.sendID !== ctx.opUserID) throw new ImError(ERR.NoPermissionError, 'sendID is another user');
      requireNotForged(message);
    }
    const verdict = await requireMaySend(deps, settingsOf(ctx), message);
    if (verdict.quiet) message.options.offlinePush = false;
    return verdict;
  }

  /** Refused as a whole: as a plain message it would go unnoticed, and its sender would not know. */
  function takeMention(ctx: CallContext, mentions: Mentions | undefined): void {
    if (mentions?.allMembers) deps.mentionAll.take(ctx, mentions.groupID);
  }

  /** Sends a message as the webhooks of its tenant have it. */
  async function sendAsked(ctx: CallContext, asked: CheckedMessage): Promise<msg.SendMsgResp> {
    const decided = await webhooks.decide(ctx, asked);
    const { message, verdict, changes } = decided;
    const mentions = mentionsOf(message);
    takeMention(ctx, mentions);
    const answer = await append(ctx, asked.key, message, verdict, decided);
    await decided.report();
    if (mentions) marker.set(ctx, mentions);
    const modify = changes ? make('sdkws.MsgData', changes) : null;
    return make('msg.SendMsgResp', { ...answer, modify });
  }

  async function sendChecked(
    ctx: CallContext,
    message: sdkws.MsgData,
    checked: Checked,
  ): Promise<msg.SendMsgResp> {
    complete(ctx, message);
    const key = dedupKey(ctx.tenant, message);
    if (message.contentType === CONTENT.Typing) return sendTransient(deps, ctx, key, message);
    const settings = settingsOf(ctx);
    const asks = webhooks.asksAbout(settings, message);
    const mentions = asks ? undefined : mentionsOf(message);
    const answer = await recent.get(key.toString('latin1'), () => {
      if (asks) return sendAsked(ctx, { settings, key, message, verdict: checked });
      takeMention(ctx, mentions);
      return append(ctx, key, message, checked);
    });
    if (mentions) marker.set(ctx, mentions);
    if (!answer) throw new ImError(ERR.ServerInternalError, 'no answer');
    return answer;
  }

  return {
    async send(ctx, message, encodedBytes) {
      const session = SESSION_LABELS.get(message.sessionType) ?? 'other';
      try {
        const answer = await sendChecked(ctx, message, await check(ctx, message, encodedBytes));
        sent.inc({ session, outcome: 'ok' });
        return answer;
      } catch (error) {
        sent.inc({ session, outcome: error instanceof ImError ? String(error.code) : 'failed' });
        throw error;
      }
    },
    async append(ctx, message, change = {}) {
      const { changeID = '' } = change;
      if (changeID !== '') message.clientMsgID = changeID;
      const key = changeID === '' ? dedupKey(ctx.tenant, message) : changeKey(ctx.tenant, changeID);
      const known = message.sessionType === SESSION.Group && (change.membership?.version ?? 0) === 0;
      const memberVersion = known ? await deps.members.memberVersions.known(ctx.tenant, message.groupID) : 0;
      return append(ctx, key, message, { ensureOwners: true, memberVersion }, change);
    },
  };
}
