import { asSystem, type CallContext, detached, KEY_SEPARATOR } from '@im/kit';
import { callFields } from '@im/process';
import { CONTENT, make, SESSION, type sdkws } from '@im/protocol';
import type { MsgDeps } from '../deps.ts';

/** Stands for all members in the list of mentioned users. */
const AT_ALL = 'AtAllTag';
/** Marks of a conversation, as the API numbers them. */
const AT_TYPE = { AtMe: 1, AtAll: 2, AtAllAtMe: 3 } as const;

/** A mark set in the conversation records of some members: those named, or all but those excepted. */
export interface Mark {
  readonly type: number;
  readonly only: readonly string[];
  readonly except: readonly string[];
}

/** Marks that a message sets in the conversation records of its group. */
export interface Mentions {
  readonly groupID: string;
  /** Whether the records of all members are marked. */
  readonly allMembers: boolean;
  readonly marks: readonly Mark[];
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

/** Marks of one group that wait, after joining; further ones are dropped. */
const MAX_MARKS = 100;
/** Users that one mark names, as many as one message may. */
const MAX_NAMED = 1_000;

interface PendingMarks {
  /** Caller of the newest of them. */
  ctx: CallContext;
  readonly groupID: string;
  marks: Mark[];
}

/**
 * Sets marks in the background, for each group one after the other: what comes meanwhile is joined, so that many
 * messages that mention all members of a group change its records, and notify their owners, once. A failure costs a hint
 * on the conversation, never the message.
 */
export class MentionMarker {
  readonly #deps: Pick<MsgDeps, 'rpc' | 'tasks' | 'log'>;
  readonly #pending = new Map<string, PendingMarks>();

  constructor(deps: Pick<MsgDeps, 'rpc' | 'tasks' | 'log'>) {
    this.#deps = deps;
  }

  /** Groups whose marks wait or are being set. */
  get size(): number {
    return this.#pending.size;
  }

  set(ctx: CallContext, { groupID, marks }: Mentions): void {
    const key = `${ctx.tenant}${KEY_SEPARATOR}${groupID}`;
    const pending = this.#pending.get(key);
    if (pending) {
      pending.ctx = ctx;
      for (const mark of marks) addMark(pending.marks, mark);
      return;
    }
    const added: PendingMarks = { ctx, groupID, marks: [...marks] };
    this.#pending.set(key, added);
    this.#deps.tasks.spawn('msg-mentions', () => this.#run(key, added), {
      onRefused: () => this.#pending.delete(key),
    });
  }

  /** Never rejects. */
  async #run(key: string, pending: PendingMarks): Promise<void> {
    const client = this.#deps.rpc.client('conversation');
    while (pending.marks.length > 0) {
      const { ctx, groupID, marks } = pending;
      pending.marks = [];
      for (const { type, only, except } of marks) {
        const request = make('conversation.SetGroupAtTypeReq', {
          groupID,
          groupAtType: type,
          userIDs: [...only],
          exceptUserIDs: [...except],
        });
        try {
          await client.setGroupAtType(detached(asSystem(ctx)), request);
        } catch (error) {
          this.#deps.log.warn({ ...callFields(ctx), err: error }, 'mention marks not set');
        }
      }
    }
    // In the same turn as the last look at the marks: none is added in between.
    this.#pending.delete(key);
  }
}

/** Adds a mark to those that wait, joined with the last one where both are of a kind: the later one wins for each user. */
export function addMark(marks: Mark[], mark: Mark): void {
  const last = marks.at(-1);
  if (last?.type === mark.type && last.only.length > 0 === mark.only.length > 0) {
    const only = new Set([...last.only, ...mark.only]);
    if (only.size <= MAX_NAMED) {
      const except = new Set(mark.except);
      marks[marks.length - 1] = {
        type: mark.type,
        only: [...only],
        except: last.except.filter((userID) => except.has(userID)),
      };
      return;
    }
  }
  if (marks.length < MAX_MARKS) marks.push(mark);
}
