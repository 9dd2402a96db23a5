import type { TenantId } from '@im/contract';
import { make, type sdkws } from '@im/protocol';
import type { MsgDeps } from './deps.ts';

/** Groups as the API shows them, by id; unknown ones are left out. */
export async function groupInfos(
  { groups, members }: Pick<MsgDeps, 'groups' | 'members'>,
  tenant: TenantId,
  groupIDs: readonly string[],
): Promise<Map<string, sdkws.GroupInfo>> {
  if (groupIDs.length === 0) return new Map();
  const [found, summaries] = await Promise.all([
    groups.getMany(tenant, groupIDs),
    members.summaries(tenant, groupIDs),
  ]);
  return new Map(
    [...found].map(([id, group]) => {
      const { memberCount = 0, ownerUserID = '' } = summaries.get(id) ?? {};
      return [id, make('sdkws.GroupInfo', { ...group, memberCount, ownerUserID })];
    }),
  );
}
