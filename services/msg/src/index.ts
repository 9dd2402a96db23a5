import type { Bus } from '@im/bus';
import { type BaseDeps, type LiveDeps, READY, type Service, type ServiceModule } from '@im/kit';
import { createNotifier, type RpcRegistry } from '@im/rpc';
import {
  blackRepo,
  conversationRepo,
  convs,
  createReach,
  friendRepo,
  groupMemberRepo,
  groupRepo,
  msgRowChanges,
  msgRows,
  msgStats,
  type Store,
  seqUsers,
  userRepo,
} from '@im/store';
import { createMsgService } from './msg-service.ts';
import { createSendLimits } from './send/send-limits.ts';

/** What msg needs of its process. */
export type MsgDeps = BaseDeps &
  Partial<Pick<LiveDeps, 'live'>> & { rpc: RpcRegistry; store: Store; bus: Bus };

/** Sending, pulling, read state, revocation, deletion. */
export const module: ServiceModule<MsgDeps> = {
  name: 'msg',
  needs: ['rpc', 'store', 'bus'],
  async create(
    config,
    { rpc, store, bus, log: processLog, metrics, tenants, background, live },
  ): Promise<Service> {
    const log = processLog.child({ part: 'msg' });
    const { limits } = config;
    rpc.bind(
      'msg',
      createMsgService({
        bus,
        store,
        rpc,
        notifier: createNotifier({ rpc, log, metrics, background }),
        tenants,
        background,
        metrics,
        log,
        rows: msgRows(store),
        changes: msgRowChanges(store),
        stats: msgStats(store),
        convs: convs(store),
        seqUsers: seqUsers(store),
        conversations: conversationRepo(store),
        users: userRepo(store),
        groups: groupRepo(store),
        members: groupMemberRepo(store),
        blacks: blackRepo(store),
        friends: friendRepo(store),
        reach: createReach(store, tenants),
        limits: createSendLimits({
          tenants,
          metrics,
          limits: () => live?.current.limits ?? limits,
        }),
      }),
    );
    return { start: async () => {}, stop: async () => {}, ready: () => READY };
  },
};
