import type { Bus } from '@im/bus';
import { createNotifier, createReach } from '@im/domain';
import { createUserLimit } from '@im/kit';
import { type BaseDeps, type LiveDeps, READY, type Service, type ServiceModule } from '@im/process';
import type { DomainService, RpcRegistry } from '@im/rpc';
import {
  blackRepo,
  conversationSeqs,
  conversationSettings,
  friendRepo,
  groupMemberRepo,
  groupRepo,
  msgRowChanges,
  msgRows,
  msgSearch,
  msgStats,
  parkedRecordRepo,
  type Store,
  seqUsers,
  userRepo,
} from '@im/store';
import type { MsgDeps } from './deps.ts';
import { clearMethods } from './methods/clear-conversations-msg.ts';
import { deleteMethods } from './methods/delete-msgs.ts';
import { positionMethods } from './methods/get-max-seq.ts';
import { readMethods } from './methods/mark-as-read.ts';
import { pullMethods } from './methods/pull-message-by-seqs.ts';
import { revokeMethods } from './methods/revoke-msg.ts';
import { searchMethods } from './methods/search-message.ts';
import { sendMethods } from './methods/send-msg.ts';
import { statisticsMethods } from './methods/statistics.ts';
import { createMessageSender } from './send/message-sender.ts';
import { parkedUnits } from './send/parked-units.ts';
import { createSendLimits } from './send/send-limits.ts';
import { sendStatus } from './send/send-status.ts';

/** Between polls of the records that transfer has parked. */
const PARKED_POLL_MS = 2_000;

/** What msg needs of its process. */
export type MsgServiceDeps = BaseDeps &
  Partial<Pick<LiveDeps, 'live'>> & { rpc: RpcRegistry; store: Store; bus: Bus };

/** Sending, pulling, read state, revocation, deletion. */
export const msgService: ServiceModule<MsgServiceDeps> = {
  name: 'msg',
  needs: ['rpc', 'store', 'bus'],
  async create(
    config,
    { rpc, store, bus, log: processLog, metrics, tenants, background, live },
  ): Promise<Service> {
    const log = processLog.child({ part: 'msg' });
    const limits = () => (live?.current ?? config).limits;
    const parked = parkedUnits(parkedRecordRepo(store));
    rpc.bind(
      'msg',
      createMsgService({
        bus,
        store,
        rpc,
        notifier: createNotifier({ rpc, log, metrics, background }),
        tenants,
        parked,
        background,
        metrics,
        log,
        rows: msgRows(store),
        changes: msgRowChanges(store),
        stats: msgStats(store, metrics),
        search: msgSearch(store),
        conversationSeqs: conversationSeqs(store),
        seqUsers: seqUsers(store),
        conversationSettings: conversationSettings(store),
        users: userRepo(store),
        groups: groupRepo(store),
        members: groupMemberRepo(store),
        blacks: blackRepo(store),
        friends: friendRepo(store),
        reach: createReach(store, tenants),
        limits: createSendLimits({ tenants, metrics, limits }),
        mentionAll: createUserLimit('mentionAll', { tenants, metrics, limits }),
      }),
    );
    return {
      async start() {
        background.every('msg-parked-look', PARKED_POLL_MS, async () => {
          if (store.ready().ready) await parked.poll();
        });
      },
      stop: async () => {},
      ready: () => READY,
    };
  },
};

/** The msg domain: sending, pulling, read state, revocation, deletion, and administrators' questions. */
export function createMsgService(deps: MsgDeps): DomainService<'msg'> {
  return {
    ...sendMethods(deps, createMessageSender(deps), sendStatus(deps.store, deps.background)),
    ...pullMethods(deps),
    ...positionMethods(deps),
    ...readMethods(deps),
    ...revokeMethods(deps),
    ...deleteMethods(deps),
    ...clearMethods(deps),
    ...searchMethods(deps),
    ...statisticsMethods(deps),
  };
}
