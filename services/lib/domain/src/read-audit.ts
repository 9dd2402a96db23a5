import type { TenantId } from '@im/contract';
import { type CallContext, KEY_SEPARATOR, KeyedBuckets, type Metrics, randomId, sleep } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import type { AuditRecord, AuditRepo } from '@im/store';

/** What an administrator read of messages that are not their own. */
export interface AuditedRead {
  /** `search` looks for messages of everyone, `read` are those of a user. */
  readonly act: 'message.search' | 'message.read';
  /** Whose messages; empty for a search. */
  readonly userID: string;
  /** What was asked: the method, and fields of the request. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** Messages in the answer. */
  readonly messages: number;
}

/** Records which messages administrators read through the requests of OpenIM, which have no field for a reason. */
export interface ReadAudit {
  /**
   * Records a read; call it before the answer is given. Nothing is recorded of users who read what is theirs, nor of the
   * system's own work. Of a tenant ten records per second are written; what exceeds them is added up by administrator and
   * act, and written within five seconds.
   * @throws ImError 90004, 90002 when it cannot be recorded: then the answer must not be given.
   */
  record(ctx: CallContext, read: AuditedRead): Promise<void>;
  /** Begins to write what was added up. */
  start(): void;
}

export interface ReadAuditDeps {
  readonly audit: Pick<AuditRepo, 'add'>;
  readonly metrics: Metrics;
  readonly tasks: Pick<TaskRunner, 'loop'>;
  readonly log: Logger;
  /** Monotonic clock of the rate in ms; for tests. */
  readonly now?: () => number;
  /** Interval between writes of what was added up, ms. @default 5,000 */
  readonly sumMs?: number;
}

/** Reads of one administrator that are written together. */
interface Sum {
  readonly tenant: TenantId;
  readonly admin: string;
  readonly act: string;
  readonly operationID: string;
  readonly since: number;
  readonly users: Set<string>;
  reads: number;
  messages: number;
}

const LIMIT = { ratePerSecond: 10, burst: 100 };
const MAX_TENANTS = 10_000;
const MAX_SUMS = 1_000;
const SUM_MS = 5_000;
/** Users that a sum names. */
const MAX_USERS = 50;
const MAX_DETAILS = 4_096;

export function createReadAudit({
  audit,
  metrics,
  tasks,
  log,
  now,
  sumMs = SUM_MS,
}: ReadAuditDeps): ReadAudit {
  const recorded = metrics.counter(
    'openim_admin_reads_total',
    'Reads of messages by administrators through requests of OpenIM, by act and how they were recorded',
    ['act', 'recorded'],
  );
  const rates = new KeyedBuckets({ max: MAX_TENANTS, ...(now && { now }) });
  const sums = new Map<string, Sum>();
  metrics.observe(
    'openim_admin_reads_waiting',
    'Records that stand for several reads and are not written yet',
    () => sums.size,
  );

  function addUp(ctx: CallContext, { act, userID, messages }: AuditedRead): void {
    const key = [ctx.tenant, ctx.opUserID, act].join(KEY_SEPARATOR);
    let sum = sums.get(key);
    if (!sum) {
      if (sums.size >= MAX_SUMS)
        throw new ImError(ERR.TooManyRequests, 'too many reads of messages wait for the audit log');
      const { tenant, opUserID: admin, operationID } = ctx;
      sum = { tenant, admin, act, operationID, since: Date.now(), users: new Set(), reads: 0, messages: 0 };
      sums.set(key, sum);
    }
    sum.reads++;
    sum.messages += messages;
    if (userID !== '' && sum.users.size < MAX_USERS) sum.users.add(userID);
    recorded.inc({ act, recorded: 'added_up' });
  }

  async function write(sum: Sum): Promise<void> {
    const { tenant, admin, act, operationID, reads, messages, since } = sum;
    const users = [...sum.users];
    const details = JSON.stringify({ reads, messages, since, ...(users.length > 0 && { users }) });
    await audit.add(tenant, recordOf({ admin, act, operationID, targetID: '', details }));
  }

  async function writeAll(): Promise<void> {
    for (const [key, sum] of [...sums]) {
      sums.delete(key);
      await write(sum).catch((err: unknown) => {
        log.warn(
          { tenant: sum.tenant, reads: sum.reads, err },
          'reads of messages are not in the audit log yet',
        );
        again(sums, key, sum);
      });
    }
  }

  return {
    async record(ctx, read) {
      const { act, userID, asked, messages } = read;
      if (!ctx.opAdmin || ctx.opUserID === '' || ctx.opUserID === userID) return;
      if (!rates.take(ctx.tenant, LIMIT)) {
        addUp(ctx, read);
        return;
      }
      const { opUserID: admin, operationID } = ctx;
      const details = JSON.stringify({ messages, ...asked });
      await audit.add(ctx.tenant, recordOf({ admin, act, operationID, targetID: userID, details }));
      recorded.inc({ act, recorded: 'alone' });
    },
    start() {
      tasks.loop('audit-reads', async (signal) => {
        while (!signal.aborted) {
          await sleep(sumMs, signal).catch(() => undefined);
          // Also once more when the process stops.
          await writeAll();
        }
      });
    },
  };
}

/** Puts back what could not be written, together with what was added up meanwhile. */
function again(sums: Map<string, Sum>, key: string, sum: Sum): void {
  const newer = sums.get(key);
  if (newer) {
    sum.reads += newer.reads;
    sum.messages += newer.messages;
    for (const userID of newer.users) if (sum.users.size < MAX_USERS) sum.users.add(userID);
  }
  sums.set(key, sum);
}

function recordOf({
  admin,
  act,
  operationID,
  targetID,
  details,
}: Pick<AuditRecord, 'admin' | 'act' | 'operationID' | 'targetID' | 'details'>): AuditRecord {
  return {
    ...{ id: randomId(), time: Date.now(), admin, act, operationID, targetID },
    targetKind: targetID === '' ? 'conversation' : 'user',
    ...{ reason: '', address: '', details: details.slice(0, MAX_DETAILS), outcome: 'done', errCode: 0 },
  };
}
