import type { TenantId } from '@im/contract';
import { type CallContext, KEY_SEPARATOR } from '@im/kit';
import { chatConversationID, type log, make, optionOn, SESSION, type sdkws } from '@im/protocol';
import { type BeforeReply, changesOf, isRefusal } from '@im/webhooks';
import type { MsgDeps } from '../deps.ts';
import { ownersOf } from './record.ts';
import { sharedDecisions } from './shared-decisions.ts';

/** What a webhook decided about the records of a conversation that has none yet. */
export interface NewConversationDecision {
  readonly newConversation: log.NewConversation | 'none';
  /** Reports the records, once the message that makes them is in the log. @throws ImError 90004 when that cannot be stored. */
  report(): Promise<void>;
}

/** The webhooks that are asked about, and informed of, the records of new single chats. */
export interface NewConversations {
  /**
   * Asks about the records of a message's chat that do not exist.
   * @returns undefined when all exist, or no webhook is concerned.
   */
  decide(ctx: CallContext, message: sdkws.MsgData): Promise<NewConversationDecision | undefined>;
}

export type NewConversationsDeps = Pick<MsgDeps, 'webhooks' | 'store' | 'conversationSettings'>;

/** What all processes know for as long as the records of a conversation may be missing. */
interface Decision {
  readonly settings: Partial<BeforeReply['beforeCreateSingleChatConversations']> | 'none';
  /** ms; makes the ids of its events. */
  readonly at: number;
}

/** By then the records of the first message exist; the messages of a chat's first moments share one decision. */
const KEPT_MS = 60_000;

const BEFORE = 'beforeCreateSingleChatConversations';
const AFTER = 'afterCreateSingleChatConversations';

/** Over the store's Redis. Without it, each message of a new chat's first moments is decided by itself. */
export function newConversations(deps: NewConversationsDeps): NewConversations {
  const { webhooks, conversationSettings } = deps;
  const decisions = sharedDecisions<Decision>(deps.store, 'new-conversation', () => KEPT_MS);

  async function missingOwners(tenant: TenantId, message: sdkws.MsgData): Promise<string[]> {
    const id = chatConversationID(message);
    const owners = ownersOf(message);
    const known = await Promise.all(
      owners.map((owner) => conversationSettings.recvMsgOpt(tenant, owner, id)),
    );
    return owners.filter((_, i) => known[i] === undefined);
  }

  /** A refusal keeps the records from being made, as at OpenIM; the message goes its way. */
  async function ask(ctx: CallContext, message: sdkws.MsgData, owner: string): Promise<Decision> {
    const at = Date.now();
    try {
      const settings = await webhooks.before(
        ctx,
        BEFORE,
        bodyOf(message, owner, make('log.NewConversation')),
      );
      return { settings: settings ?? {}, at };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { settings: 'none', at };
    }
  }

  return {
    async decide(ctx, message) {
      const { tenant } = ctx;
      // Only a message that is stored makes records.
      if (message.sessionType !== SESSION.Single || !optionOn(message.options, 'history')) return undefined;
      if (!webhooks.enabled(ctx, BEFORE) && !webhooks.enabled(ctx, AFTER)) return undefined;
      const owners = await missingOwners(tenant, message);
      const [first] = owners;
      if (first === undefined) return undefined;
      const id = chatConversationID(message);
      const known = await decisions.find(tenant, id);
      const { settings, at } = known ?? (await decisions.keep(tenant, id, await ask(ctx, message, first)));
      if (settings === 'none') return { newConversation: 'none', report: async () => {} };
      const newConversation = make('log.NewConversation', changesOf(settings));
      return {
        newConversation,
        async report() {
          for (const owner of owners) {
            const eventID = [id, owner, at].join(KEY_SEPARATOR);
            await webhooks.after(ctx, AFTER, bodyOf(message, owner, newConversation), { id: eventID });
          }
        },
      };
    },
  };
}

function bodyOf(message: sdkws.MsgData, ownerUserId: string, settings: log.NewConversation) {
  const { recvMsgOpt, isPinned, isPrivateChat, burnDuration, groupAtType, attachedInfo, ex } = settings;
  return {
    ownerUserId,
    conversationId: chatConversationID(message),
    conversationType: message.sessionType,
    userId: ownerUserId === message.sendID ? message.recvID : message.sendID,
    ...{ recvMsgOpt, isPinned, isPrivateChat, burnDuration, groupAtType, attachedInfo, ex },
  };
}
