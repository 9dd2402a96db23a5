import type { TenantSettings } from '@im/contract';
import { type CallContext, createCache, randomId, unknownTenant } from '@im/kit';
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
import type { MsgParts } from '../parts.ts';
import { mentionsOf, setMentions } from './mentions.ts';
import { forceOptions } from './message-options.ts';
import { checkMessageShape } from './message-shape.ts';
import { buildRecord, changeKey, dedupKey, type MembershipChange } from './record.ts';
import { referenceMetrics } from './reference-metrics.ts';
import { type CheckParts, checkMaySend, checkNotForged, type Verdict } from './send-checks.ts';
import { sendTransient } from './transient.ts';

/** Answers that a retry gets again without another trip to the log; the log drops later retries. */
const RECENT = { name: 'msg-recent-sends', max: 20_000, ttlMs: 300_000, asksStores: false };

const EVEN_WHEN_FULL = { whenFull: true };

/** Label of metrics by session type. */
const SESSION_LABELS: ReadonlyMap<number, string> = new Map([
  [SESSION.Single, 'single'],
  [SESSION.Group, 'group'],
  [SESSION.Notification, 'account'],
]);

/** The way of a message into the log. */
export interface Sender {
  /**
   * Checks, completes and appends one message; `m` is taken over. Resolves when the log has it.
   * @param encodedBytes size of the message as received.
   * @throws ImError: 1001 naming the field, 1002, or why the receiver cannot be written to; 429 for
   * a rate; 90004 when the log did not acknowledge in time.
   */
  send(ctx: CallContext, m: sdkws.MsgData, encodedBytes: number): Promise<msg.SendMsgResp>;
  /** Appends a message that the server itself made; nothing is checked. */
  append(ctx: CallContext, m: sdkws.MsgData, change?: ToldChange): Promise<msg.SendMsgResp>;
}

/** A change that a message of the server tells. */
export interface ToldChange {
  readonly membership?: MembershipChange;
  /** Names it: its record counts once, however often it is appended. */
  readonly changeID?: string;
  /** Notifications to single users that are to arrive behind it. */
  readonly also?: readonly sdkws.MsgData[];
}

/** What a record takes from the checks of its message. */
type Checked = Pick<Verdict, 'ensureOwners' | 'memberVersion'>;

/** Parts of a {@link Sender}. */
export type SenderParts = CheckParts &
  Pick<
    MsgParts,
    'bus' | 'tenants' | 'metrics' | 'rpc' | 'background' | 'log' | 'limits' | 'parked' | 'mentionAll'
  >;

/** The sender of a process. */
export function createSender(parts: SenderParts): Sender {
  const { bus, tenants, metrics, parked } = parts;
  const recent = createCache<msg.SendMsgResp>({ ...RECENT, metrics });
  const sent = metrics.counter('openim_msg_sent_total', 'Messages by outcome', ['session', 'outcome']);
  referenceMetrics(metrics, sent);

  function settingsOf({ tenant }: CallContext): TenantSettings {
    const settings = tenants.get(tenant);
    if (!settings) throw unknownTenant(tenant);
    return settings;
  }

  /** Fills in what the sender left to the server, and takes away what is not the sender's to say. */
  function complete(ctx: CallContext, m: sdkws.MsgData): void {
    if (!ctx.opAdmin) m.msgFrom = MSG_FROM.User;
    if (m.clientMsgID === '') m.clientMsgID = randomId();
    if (m.sendTime === 0) m.sendTime = Date.now();
    forceOptions(m.contentType, m.options);
  }

  async function append(
    ctx: CallContext,
    key: Buffer,
    m: sdkws.MsgData,
    { ensureOwners, memberVersion }: Checked,
    { membership, also }: ToldChange = {},
  ): Promise<msg.SendMsgResp> {
    parked.check(ctx.tenant, m);
    const { clientMsgID, sendTime } = m;
    const { record, queueKey } = buildRecord(ctx, key, m, ensureOwners, memberVersion, membership, also);
    record.placement = PLACEMENT_CODES[settingsOf(ctx).placement];
    // Who is in a group takes effect by its record: that is taken when messages are refused.
    const moves = record.addedUserIDs.length + record.removedUserIDs.length > 0;
    const options = moves ? EVEN_WHEN_FULL : undefined;
    await bus.log.append(ctx.tenant, bus.partitionOf(queueKey), encode('log.Record', record), options);
    return make('msg.SendMsgResp', { serverMsgID: m.serverMsgID, clientMsgID, sendTime });
  }

  async function check(ctx: CallContext, m: sdkws.MsgData, encodedBytes: number): Promise<Checked> {
    checkMessageShape(m, encodedBytes);
    parts.limits.take(ctx, encodedBytes);
    // A message without options shares the empty map of its type.
    m.options = { ...m.options };
    if (!ctx.opAdmin) {
      if (m.sendID !== ctx.opUserID) throw new ImError(ERR.NoPermissionError, 'sendID is another user');
      checkNotForged(m);
    }
    const verdict = await checkMaySend(parts, settingsOf(ctx), m);
    if (verdict.quiet) m.options.offlinePush = false;
    return verdict;
  }

  async function sendChecked(ctx: CallContext, m: sdkws.MsgData, checked: Checked): Promise<msg.SendMsgResp> {
    complete(ctx, m);
    const key = dedupKey(ctx.tenant, m);
    if (m.contentType === CONTENT.Typing) return sendTransient(parts, ctx, key, m);
    const mentions = mentionsOf(m);
    const answer = await recent.get(key.toString('latin1'), () => {
      // Refused as a whole: as a plain message it would reach nobody's attention, and its sender would not know.
      if (mentions?.everybody) parts.mentionAll.take(ctx, mentions.groupID);
      return append(ctx, key, m, checked);
    });
    if (mentions) setMentions(parts, ctx, mentions);
    if (!answer) throw new ImError(ERR.ServerInternalError, 'no answer');
    return answer;
  }

  return {
    async send(ctx, m, encodedBytes) {
      const session = SESSION_LABELS.get(m.sessionType) ?? 'other';
      try {
        const answer = await sendChecked(ctx, m, await check(ctx, m, encodedBytes));
        sent.inc({ session, outcome: 'ok' });
        return answer;
      } catch (error) {
        sent.inc({ session, outcome: error instanceof ImError ? String(error.code) : 'failed' });
        throw error;
      }
    },
    async append(ctx, m, change = {}) {
      const { changeID = '' } = change;
      if (changeID !== '') m.clientMsgID = changeID;
      const key = changeID === '' ? dedupKey(ctx.tenant, m) : changeKey(ctx.tenant, changeID);
      const known = m.sessionType === SESSION.Group && (change.membership?.version ?? 0) === 0;
      const memberVersion = known ? await parts.members.memberVersions.known(ctx.tenant, m.groupID) : 0;
      return append(ctx, key, m, { ensureOwners: true, memberVersion }, change);
    },
  };
}
