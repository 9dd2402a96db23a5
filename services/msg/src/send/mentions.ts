import { asSystem, type CallContext, detached } from '@im/kit';
import { acceptLoss, callFields } from '@im/process';
import { CONTENT, make, SESSION, type sdkws } from '@im/protocol';
import type { MsgDeps } from '../deps.ts';

/** Stands for all members in the list of mentioned users. */
const AT_ALL = 'AtAllTag';
/** Marks of a conversation, as the API numbers them. */
const AT_TYPE = { AtMe: 1, AtAll: 2, AtAllAtMe: 3 } as const;

/** Marks that a message sets in the conversation records of its group. */
export interface Mentions {
  readonly groupID: string;
  /** Whether the records of all members are marked. */
  readonly allMembers: boolean;
  readonly marks: readonly {
    readonly type: number;
    readonly only: readonly string[];
    readonly except: readonly string[];
  }[];
}

/** The marks of a message; undefined when it mentions no user. */
export function mentionsOf(message: sdkws.MsgData): Mentions | undefined {
  if (message.contentType !== CONTENT.AtText || message.sessionType !== SESSION.Group) return undefined;
  const allMembers = message.atUserIDList.includes(AT_ALL);
  const named = [...new Set(message.atUserIDList)].filter((id) => id !== AT_ALL && id !== message.sendID);
  const marks = [];
  if (named.length > 0)
    marks.push({ type: allMembers ? AT_TYPE.AtAllAtMe : AT_TYPE.AtMe, only: named, except: [] });
  if (allMembers) marks.push({ type: AT_TYPE.AtAll, only: [], except: [...named, message.sendID] });
  return marks.length === 0 ? undefined : { groupID: message.groupID, allMembers, marks };
}

/** Sets the marks in the background; a failure costs a hint on the conversation, never the message. */
export function setMentions(
  { rpc, tasks, log }: Pick<MsgDeps, 'rpc' | 'tasks' | 'log'>,
  ctx: CallContext,
  mentions: Mentions,
): void {
  tasks.spawn(
    'msg-mentions',
    async () => {
      const client = rpc.client('conversation');
      for (const { type, only, except } of mentions.marks) {
        const request = make('conversation.SetGroupAtTypeReq', {
          groupID: mentions.groupID,
          groupAtType: type,
          userIDs: [...only],
          exceptUserIDs: [...except],
        });
        try {
          await client.setGroupAtType(detached(asSystem(ctx)), request);
        } catch (error) {
          log.warn({ ...callFields(ctx), err: error }, 'mention marks not set');
        }
      }
    },
    { onRefused: acceptLoss },
  );
}
