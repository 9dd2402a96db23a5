import { asSystem, type CallContext } from '@im/kit';
import { make, type sdkws } from '@im/protocol';
import type { ConversationParts } from './parts.ts';

/** The groups of these ids; unknown ones are left out. */
export async function groupsOf(
  { rpc }: Pick<ConversationParts, 'rpc'>,
  ctx: CallContext,
  groupIDs: readonly string[],
): Promise<Map<string, sdkws.GroupInfo>> {
  if (groupIDs.length === 0) return new Map();
  const request = make('group.GetGroupsInfoReq', { groupIDs: [...new Set(groupIDs)] });
  const { groupInfos } = await rpc.client('group').getGroupsInfo(asSystem(ctx), request);
  return new Map(groupInfos.map((info) => [info.groupID, info]));
}
