import type { TenantId } from '@im/contract';
import { type TenantRounds, tenantRounds } from '@im/domain';
import {
  type CallContext,
  type Metrics,
  messageOf,
  sleep,
  systemContext,
  type TenantDirectory,
  waitAfter,
  withCaller,
} from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import type {
  Broadcast,
  BroadcastClaim,
  BroadcastPage,
  BroadcastProgress,
  BroadcastRepo,
  ConversationSeqs,
  MsgRows,
  UserRepo,
} from '@im/store';
import { paceOf, pageSizeAt } from './pace.ts';
import { nextReceivers } from './receivers.ts';
import { sendPage } from './send-page.ts';
import { storedCopies } from './stored-copies.ts';

export interface BroadcastsDeps {
  readonly repo: BroadcastRepo;
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly users: Pick<UserRepo, 'get' | 'missing'>;
  readonly rows: Pick<MsgRows, 'bySeqs'>;
  readonly conversationSeqs: Pick<ConversationSeqs, 'get'>;
  readonly tenants: TenantDirectory;
  readonly tasks: TaskRunner;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Tenants with a broadcast in progress in one process; of each tenant one broadcast is. */
const AT_ONCE = 4;
/** A process that stored no progress for so long has died; ms. */
const LEASE_MS = 45_000;
/** Time of one step; ms. */
const STEP_MS = 20_000;
/** Pages before broadcasts of other tenants have their turn. */
const PAGES_PER_TURN = 10;
/** The log recognizes what was sent before for ten minutes at least. */
const RECOGNIZED_MS = 8 * 60_000;
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
const MAX_ERROR = 500;
/** Receivers that are named of those that it did not reach. */
export const MOST_FAILED = 1_000;

function retryAfterMs(attempts: number): number {
  return waitAfter(attempts, { baseMs: RETRY_MS, maxMs: MAX_RETRY_MS });
}

/** Sends broadcasts in the background. */
export function createBroadcasts(deps: BroadcastsDeps): TenantRounds {
  const { repo, tenants, log } = deps;
  const ended = deps.metrics.counter('openim_msg_broadcasts_total', 'Broadcasts by how they ended', [
    'outcome',
  ]);
  const messages = deps.metrics.counter(
    'openim_msg_broadcast_messages_total',
    'Messages of broadcasts by outcome',
    ['outcome'],
  );

  function contextOf(tenant: TenantId, { broadcastID, admin }: Broadcast, signal: AbortSignal): CallContext {
    const system = systemContext(tenant, `broadcast-${broadcastID}`, { timeoutMs: STEP_MS, signal });
    return withCaller(system, { opUserID: admin, opPlatformID: 0, opAdmin: true });
  }

  /** The counts once some have it, and some never will. */
  function counted(
    { sent, failed, failedUserIDs }: Broadcast,
    reached: readonly string[],
    refused: readonly string[],
  ): BroadcastProgress {
    messages.inc({ outcome: 'sent' }, reached.length);
    messages.inc({ outcome: 'failed' }, refused.length);
    return {
      sent: sent + reached.length,
      failed: failed + refused.length,
      failedUserIDs: [...failedUserIDs, ...refused].slice(0, MOST_FAILED),
    };
  }

  /** Those of a page that may be sent to: without those who have the message from an attempt long ago. */
  async function stillOpen(ctx: CallContext, broadcast: Broadcast, page: BroadcastPage) {
    if (page.sentAt === 0 || Date.now() - page.sentAt < RECOGNIZED_MS)
      return { open: page.userIDs, have: [], unclear: [] };
    const { have, unclear } = await storedCopies(ctx, deps, broadcast, page.userIDs, page.sentAt);
    const settled = new Set([...have, ...unclear]);
    return { open: page.userIDs.filter((id) => !settled.has(id)), have, unclear };
  }

  /** Works on the broadcast of a claim for a while. */
  async function work(tenant: TenantId, first: BroadcastClaim, signal: AbortSignal): Promise<void> {
    let claim: BroadcastClaim | undefined = first;
    const save = async (progress: BroadcastProgress, until = Date.now() + LEASE_MS, held = true) => {
      claim = claim && (await repo.save(tenant, claim, progress, until, held));
      return claim?.broadcast;
    };
    try {
      for (let done = 0; claim && claim.broadcast.state === 'running'; done++) {
        signal.throwIfAborted();
        let { broadcast }: BroadcastClaim = claim;
        if (done >= PAGES_PER_TURN) {
          await save({}, Date.now(), false);
          return;
        }
        const perSecond = paceOf(tenants.get(tenant)?.quotas.messagesPerSecond ?? 0);
        const ctx = contextOf(tenant, broadcast, signal);
        if (!broadcast.page) {
          const { userIDs, skipped, next } = await nextReceivers(ctx, deps, broadcast, pageSizeAt(perSecond));
          // Before it is sent: who goes on knows what may be under way.
          const page = { userIDs, next, sentAt: userIDs.length === 0 ? 0 : Date.now() };
          const stored = await save({ page, skipped: broadcast.skipped + skipped });
          if (stored?.state !== 'running') break;
          broadcast = stored;
        }
        const { page } = broadcast;
        if (!page) throw new Error('the page was not stored');
        const startedAt = performance.now();
        const { open, have, unclear } = await stillOpen(ctx, broadcast, page);
        const outcome =
          open.length === 0
            ? { sent: [], failed: [], open: [], error: '' }
            : await sendPage(ctx, deps, broadcast, open);
        const counts = counted(broadcast, [...have, ...outcome.sent], [...unclear, ...outcome.failed]);
        if (outcome.open.length > 0) {
          const attempts = broadcast.attempts + 1;
          const failure = { attempts, error: outcome.error.slice(0, MAX_ERROR) };
          const rest = { ...page, userIDs: outcome.open };
          await save({ ...counts, ...failure, page: rest }, Date.now() + retryAfterMs(attempts), false);
          return;
        }
        const progress = { ...counts, page: null, cursor: page.next, attempts: 0, error: '' };
        const stored = await save(progress);
        if (stored?.state !== 'running') break;
        if (page.next === '') {
          if (claim) await repo.finish(tenant, claim, Date.now());
          ended.inc({ outcome: 'done' });
          const { sent, failed, skipped } = stored;
          log.info({ tenant, broadcast: stored.broadcastID, sent, failed, skipped }, 'broadcast sent');
          return;
        }
        const took = performance.now() - startedAt;
        await sleep(Math.max(0, (page.userIDs.length / perSecond) * 1_000 - took), signal);
      }
      if (claim?.broadcast.state === 'cancelled') ended.inc({ outcome: 'cancelled' });
    } catch (error) {
      // What a stop interrupts is gone on with by another process, once the claim has ended.
      if (signal.aborted || !claim) return;
      const { broadcastID, attempts: before } = claim.broadcast;
      const attempts = before + 1;
      log.warn({ tenant, broadcast: broadcastID, attempts, err: error }, 'broadcast not sent yet');
      const failure = { attempts, error: messageOf(error).slice(0, MAX_ERROR) };
      await save(failure, Date.now() + retryAfterMs(attempts), false);
    }
  }

  /** @returns whether there was one. */
  async function turn(tenant: TenantId, signal: AbortSignal): Promise<boolean> {
    const claim = await repo.claim(tenant, Date.now(), Date.now() + LEASE_MS);
    if (!claim) return false;
    await work(tenant, claim, signal);
    return true;
  }

  return tenantRounds({ name: 'broadcasts', what: 'broadcasts', atOnce: AT_ONCE, ...deps, turn });
}
