import type { AuditedAct, Operation, Taken } from '@im/admin-api';
import { detached, type Metrics, randomId } from '@im/kit';
import { callFields, type Logger } from '@im/process';
import { ERR, type ImError, make } from '@im/protocol';
import type { AdminCall } from './admin-route.ts';

/** Most characters of what was asked. */
const MAX_DETAILS = 4_096;
/** Characters that are shown of masked fields, and the least length of what is shown in part. */
const SHOWN = 4;
const LEAST_MASKED = 10;
/** Time to record how an act ended, also when its caller has given up. */
const OUTCOME_MS = 10_000;

/** Records acts of administrators: before they are done, so that none is without a record, and how they ended. */
export interface AuditLog {
  /**
   * @returns to be called with how it ended.
   * @throws ImError 90004, 90002 when it cannot be recorded: it must not be done then.
   */
  begin(
    call: AdminCall,
    act: AuditedAct,
    taken: Taken<Operation>,
  ): Promise<(failure: ImError | undefined) => Promise<void>>;
}

/** What was refused before it changed anything, as against what may have been done in part. */
const FAILED: readonly number[] = [
  ERR.ServerInternalError,
  ERR.NetworkError,
  ERR.DatabaseError,
  ERR.DataError,
];

function outcomeOf(failure: ImError | undefined) {
  if (!failure) return { outcome: 'done', errCode: 0 } as const;
  return { outcome: FAILED.includes(failure.code) ? 'failed' : 'refused', errCode: failure.code } as const;
}

function textOf(part: unknown, name: string): string {
  const value = (part as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : '';
}

function targetOf(param: string | undefined, ...parts: readonly unknown[]): string {
  if (param === undefined) return '';
  return parts.map((part) => textOf(part, param)).find((text) => text !== '') ?? '';
}

/** What was asked, as JSON; of masked fields the last characters, and nothing of omitted ones. */
function detailsOf(
  asked: Readonly<Record<string, unknown>>,
  { masked = [], omitted = [] }: Pick<AuditedAct, 'masked' | 'omitted'>,
): string {
  const shown = Object.entries(asked)
    .filter(([name]) => !omitted.includes(name))
    .map(([name, value]) => [
      name,
      masked.includes(name) && typeof value === 'string' ? maskOf(value) : value,
    ]);
  return JSON.stringify(Object.fromEntries(shown)).slice(0, MAX_DETAILS);
}

/** Enough to recognize it, and too little to use it. */
function maskOf(text: string): string {
  return text.length < LEAST_MASKED ? '…' : `…${text.slice(-SHOWN)}`;
}

export function createAuditLog(metrics: Metrics, log: Logger): AuditLog {
  const acts = metrics.counter('openim_admin_acts_total', 'Acts of administrators by how they ended', [
    'act',
    'outcome',
  ]);
  return {
    async begin({ ctx, rpc, address, actor }, audited, { params, query, body }) {
      const { act, kind, param } = audited;
      const auth = rpc.client('auth');
      const recordID = randomId();
      const record = make('auth.AuditRecord', {
        recordID,
        time: Date.now(),
        adminUserID: actor,
        act,
        targetKind: kind,
        targetID: targetOf(param, params, query, body),
        reason: textOf(body, 'reason') || textOf(query, 'reason'),
        details: detailsOf({ ...Object(query), ...Object(body) }, audited),
        address,
        operationID: ctx.operationID,
      });
      await auth.addAuditRecord(ctx, make('auth.AddAuditRecordReq', { record }));
      return async (failure) => {
        const result = outcomeOf(failure);
        acts.inc({ act, outcome: result.outcome });
        const request = make('auth.SetAuditOutcomeReq', { recordID, ...result });
        await auth.setAuditOutcome(detached(ctx, OUTCOME_MS), request).catch((err: unknown) => {
          log.warn({ ...callFields(ctx), act, err }, 'the outcome of an act was not recorded');
        });
      };
    },
  };
}
