import { createNotifier, createReach, createReadAudit, domainService } from '@im/domain';
import { createUserLimit, NO_TRACING } from '@im/kit';
import {
  auditRepo,
  blackRepo,
  broadcastRepo,
  conversationSeqs,
  conversationSettings,
  deadLetterRepo,
  friendRepo,
  groupMemberRepo,
  groupRepo,
  msgRowChanges,
  msgRows,
  msgSearch,
  msgStats,
  parkedRecordRepo,
  seqUsers,
  statDayRepo,
  userRepo,
} from '@im/store';
import { createBroadcasts } from './broadcast/broadcasts.ts';
import type { MsgDeps } from './deps.ts';
import { broadcastMethods } from './methods/broadcasts.ts';
import { clearMethods } from './methods/clear-conversations-msg.ts';
import { deadLetterMethods } from './methods/dead-letters.ts';
import { deleteMethods } from './methods/delete-msgs.ts';
import { positionMethods } from './methods/get-max-seq.ts';
import { readMethods } from './methods/mark-as-read.ts';
import { pullMethods } from './methods/pull-message-by-seqs.ts';
import { removeUserDataMethods } from './methods/remove-user-data.ts';
import { revokeMethods } from './methods/revoke-msg.ts';
import { searchMethods } from './methods/search-message.ts';
import { messageSearchMethods } from './methods/search-messages.ts';
import { sendMethods } from './methods/send-msg.ts';
import { statisticsMethods } from './methods/statistics.ts';
import { createMessageSender } from './send/message-sender.ts';
import { parkedUnits } from './send/parked-units.ts';
import { createSendLimits } from './send/send-limits.ts';
import { sendStatus } from './send/send-status.ts';

/** Interval between polls of the records that transfer has parked. */
const PARKED_POLL_MS = 2_000;

/** How often a process looks for broadcasts that another left unfinished. */
const BROADCASTS_INTERVAL_MS = 5_000;

/** Sending, pulling, read state, revocation, deletion, and queries of administrators. */
export const msgService = domainService('msg', {
  requires: ['bus', 'webhooks'],
  build(context) {
    const { rpc, store, bus, tenants, tasks, metrics, log, limits, tracing = NO_TRACING } = context;
    const parkedRecords = parkedRecordRepo(store);
    const parked = parkedUnits(parkedRecords);
    const deps: MsgDeps = {
      bus,
      store,
      rpc,
      notifier: createNotifier(context),
      webhooks: context.webhooks,
      tenants,
      parked,
      tasks,
      metrics,
      log,
      tracing,
      rows: msgRows(store),
      changes: msgRowChanges(store),
      stats: msgStats(store, metrics),
      statDays: statDayRepo(store),
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
      readAudit: createReadAudit({ audit: auditRepo(store), metrics, tasks, log }),
      mentionAll: createUserLimit('mentionAll', { tenants, metrics, limits }),
    };
    const broadcastsOf = broadcastRepo(store);
    const broadcasts = createBroadcasts({ ...deps, repo: broadcastsOf });
    return {
      methods: {
        ...sendMethods(deps, createMessageSender(deps), sendStatus(store, tasks)),
        ...pullMethods(deps),
        ...positionMethods(deps),
        ...readMethods(deps),
        ...revokeMethods(deps),
        ...deleteMethods(deps),
        ...removeUserDataMethods(deps),
        ...clearMethods(deps),
        ...searchMethods(deps),
        ...messageSearchMethods(deps),
        ...statisticsMethods(deps),
        ...broadcastMethods(deps, broadcastsOf, () => broadcasts.wake()),
        ...deadLetterMethods({ bus, deadLetters: deadLetterRepo(store), parkedRecords }),
      },
      start() {
        deps.readAudit.start();
        tasks.every('broadcasts', BROADCASTS_INTERVAL_MS, (signal) => broadcasts.round(signal));
        tasks.every('msg-parked-look', PARKED_POLL_MS, async () => {
          if (store.ready().ready) await parked.poll();
        });
      },
    };
  },
});
