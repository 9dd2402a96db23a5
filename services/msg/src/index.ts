import type { Bus } from '@im/bus';
import { createNotifier, createReach } from '@im/domain';
import { createUserLimit } from '@im/kit';
import { type BaseDeps, type LiveDeps, READY, type Service, type ServiceModule } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
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
import { createMsgService } from './msg-service.ts';
import { parkedUnits } from './send/parked-units.ts';
import { createSendLimits } from './send/send-limits.ts';

/** Between looks at what transfer has parked. */
const PARKED_LOOK_MS = 2_000;

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
        background.every('msg-parked-look', PARKED_LOOK_MS, async () => {
          if (store.ready().ready) await parked.look();
        });
      },
      stop: async () => {},
      ready: () => READY,
    };
  },
};
