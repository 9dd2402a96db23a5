import { type CallContext, md5Hex, randomId } from '@im/kit';
import { argsError } from '@im/protocol';
import type { GroupDeps } from './deps.ts';

const DIGITS = 8;
/** Longest id of a group to which messages can be sent. */
const MAX_ID_BYTES = 256;
const JOINT = '_';

/** A new group id in the form that clients know: a random 32-bit number in decimal. */
export function newGroupID(): string {
  return String(Number.parseInt(md5Hex(randomId()).slice(0, DIGITS), 16));
}

/** Ways to read an id as that of a chat of two users. */
function chats(groupID: string): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = groupID.indexOf(JOINT); at >= 0; at = groupID.indexOf(JOINT, at + 1)) {
    pairs.push([groupID.slice(0, at), groupID.slice(at + 1)]);
  }
  return pairs;
}

/**
 * Whether a group may have the id that its creator asks for. Notifications of the group `a_b` would lie in the same
 * conversation as those of the chat of a and b: only administrators choose ids with `_`, and none of two users.
 * @throws ImError 1001 that says what is wrong with it.
 */
export async function checkGivenID(
  { users }: Pick<GroupDeps, 'users'>,
  ctx: CallContext,
  groupID: string,
): Promise<void> {
  const bytes = Buffer.byteLength(groupID);
  if (bytes > MAX_ID_BYTES)
    throw argsError(`groupInfo.groupID is longer than ${MAX_ID_BYTES} bytes: it has ${bytes}`);
  const pairs = chats(groupID);
  if (pairs.length === 0) return;
  if (!ctx.opAdmin)
    throw argsError(`groupInfo.groupID contains ${JOINT}: choose another id, or leave it empty`);
  const missing = new Set(await users.missing(ctx.tenant, [...new Set(pairs.flat())].filter(Boolean)));
  const chat = pairs.find((pair) => pair.every((userID) => userID !== '' && !missing.has(userID)));
  if (chat)
    throw argsError(`groupInfo.groupID is that of the chat of ${chat.join(' and ')}: choose another id`);
}
