import { asSystem, type CallContext } from '@im/kit';
import { callFields } from '@im/process';
import { make } from '@im/protocol';
import type { AuthDeps } from '../deps.ts';

/** What was ended: tokens by their hashes, and connections of a lower issue number. */
export interface EndedTokens {
  readonly userID: string;
  /** All platforms when absent. */
  readonly platformID?: number;
  readonly hashes: readonly string[];
  readonly issue: number;
}

/** Closes connections of ended tokens on every gateway, and takes their devices from offline notifications. */
export type EndSessions = (ctx: CallContext, ended: EndedTokens, reason: string) => Promise<void>;

export function createEndSessions({
  events,
  third,
  log,
}: Pick<AuthDeps, 'events' | 'third' | 'log'>): EndSessions {
  return async (ctx, { userID, platformID, hashes, issue }, reason) => {
    events.publishKick(
      ctx.tenant,
      make('event.Kick', {
        ...{ tenant: ctx.tenant, userID, keepIssue: issue, reason },
        platformIDs: platformID === undefined ? [] : [platformID],
        tokenHashes: [...hashes],
      }),
    );
    // What it got until now would go on being shown by a device that is logged out.
    const removal = make('third.DelUserPushTokenReq', { userID, platformID: platformID ?? 0 });
    await third.delUserPushToken(asSystem(ctx), removal).catch((err: unknown) => {
      log.warn({ ...callFields(ctx), err }, 'push tokens of ended logins were not removed');
    });
  };
}
