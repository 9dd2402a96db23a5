import { argsError, make, type sdkws } from '@im/protocol';
import { type BeforeReply, changesOf } from '@im/webhooks';

/** A message as a webhook has it, and what differs from what was sent. */
export interface Modified {
  readonly message: sdkws.MsgData;
  /** The changed fields alone; undefined when nothing differs. */
  readonly changes: Partial<sdkws.MsgData> | undefined;
}

/**
 * The message with the fields that the answer to beforeMsgModify replaces.
 * @throws ImError 1001 when the new content is not JSON.
 */
export function modified(message: sdkws.MsgData, reply: BeforeReply['beforeMsgModify']): Modified {
  const { content, ...others } = changesOf(reply);
  const fields = { ...others, ...(content !== undefined && { content: contentOf(content) }) };
  const before = message as unknown as Readonly<Record<string, unknown>>;
  const changed = Object.entries(fields).filter(([name, value]) => !isSame(before[name], value));
  if (changed.length === 0) return { message, changes: undefined };
  const changes = Object.fromEntries(changed) as Partial<sdkws.MsgData>;
  return { message: make('sdkws.MsgData', { ...message, ...changes }), changes };
}

function contentOf(text: string): Buffer {
  try {
    JSON.parse(text);
  } catch {
    throw argsError('the answer of webhook beforeMsgModify: content is not JSON');
  }
  return Buffer.from(text);
}

/** Whether a field has this value already: a text or number, bytes, a list or map of such. */
function isSame(before: unknown, after: unknown): boolean {
  if (before instanceof Uint8Array) return after instanceof Uint8Array && Buffer.from(before).equals(after);
  if (typeof after !== 'object') return before === after;
  return JSON.stringify(before) === JSON.stringify(after);
}
