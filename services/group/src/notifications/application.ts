import { type CallContext, randomId } from '@im/kit';
import { CONTENT, type MessageName, type Messages, make, SESSION, type sdkws } from '@im/protocol';
import type { Group, GroupRequest } from '@im/store';
import { type NotificationDeps, snapshotOf } from './send.ts';

/** Receivers of a notification: the applicant, the owner and admins. */
export interface ApplicationReceivers {
  readonly applicantID: string;
  readonly leaderIDs: readonly string[];
}

const AS_APPLICANT = 0;
const AS_ADMIN = 1;

/** Notifications of applications, to each receiver in a single chat; the copies share their uuid. */
export function applicationNotifications(deps: NotificationDeps) {
  const { notifier, views } = deps;

  async function viewRequest(
    ctx: CallContext,
    group: Group,
    request: GroupRequest,
  ): Promise<sdkws.GroupRequest | null> {
    const [shown = null] = await views.requests(ctx.tenant, [request], new Map([[group.groupID, group]]));
    return shown;
  }
  function toUser<N extends MessageName>(
    ctx: CallContext,
    contentType: number,
    recvID: string,
    fallbackID: string,
    tipsName: N,
    tips: Messages[N],
  ): Promise<void> {
    const sendID = ctx.opUserID === '' ? fallbackID : ctx.opUserID;
    return notifier.send(ctx, { contentType, sessionType: SESSION.Single, sendID, recvID }, tipsName, tips);
  }

  return {
    /** `JoinGroupApplication` to the owner, admins, applicant and caller, once each. */
    async applied(
      ctx: CallContext,
      group: Group,
      request: GroupRequest,
      applicant: sdkws.PublicUserInfo,
      leaderIDs: readonly string[],
    ): Promise<void> {
      const tips = make('sdkws.JoinGroupApplicationTips', {
        group: await views.group(ctx.tenant, group),
        applicant,
        reqMsg: request.reqMsg,
        uuid: randomId(),
        request: await viewRequest(ctx, group, request),
      });
      const receivers = new Set([...leaderIDs, applicant.userID, ctx.opUserID]);
      receivers.delete('');
      const name = 'sdkws.JoinGroupApplicationTips';
      await Promise.all(
        [...receivers].map((id) =>
          toUser(ctx, CONTENT.JoinGroupApplication, id, applicant.userID, name, tips),
        ),
      );
    },
    /** `GroupApplicationAccepted` or `Rejected` to the owner, admins and applicant; `receiverAs` distinguishes them. */
    async answered(
      ctx: CallContext,
      agreed: boolean,
      group: Group,
      request: GroupRequest,
      { applicantID, leaderIDs }: ApplicationReceivers,
    ): Promise<void> {
      const snapshot = await snapshotOf(deps, ctx, group);
      const shown = await viewRequest(ctx, group, request);
      const uuid = randomId();
      const contentType = agreed ? CONTENT.GroupApplicationAccepted : CONTENT.GroupApplicationRejected;
      const name = agreed ? 'sdkws.GroupApplicationAcceptedTips' : 'sdkws.GroupApplicationRejectedTips';
      const send = (id: string, receiverAs: number) => {
        const fields = { ...snapshot, handleMsg: request.handledMsg, receiverAs, uuid, request: shown };
        return toUser(ctx, contentType, id, applicantID, name, make(name, fields));
      };
      const leaders = new Set(leaderIDs);
      leaders.delete(applicantID);
      await Promise.all([...[...leaders].map((id) => send(id, AS_ADMIN)), send(applicantID, AS_APPLICANT)]);
    },
  };
}
