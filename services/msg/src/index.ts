import type { Bus } from '@im/bus';
import { type BaseDeps, READY, type Service, type ServiceModule } from '@im/kit';
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

/** What msg needs of its process. */
export type MsgDeps = BaseDeps & { rpc: RpcRegistry; store: Store; bus: Bus };

/** Sending, pulling, read state, revocation, deletion. */
export const module: ServiceModule<MsgDeps> = {
  name: 'msg',
  needs: ['rpc', 'store', 'bus'],
  async create(
    _config,
    { rpc, store, bus, log: processLog, metrics, tenants, background },
  ): Promise<Service> {
    const log = processLog.child({ part: 'msg' });
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
      }),
    );
    return { start: async () => {}, stop: async () => {}, ready: () => READY };
  },
};
