import { requireAdmin } from '@im/kit';
import { argsError, make } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { AuditOutcome, AuditRepo } from '@im/store';

type AuditMethods = Pick<DomainService<'auth'>, 'addAuditRecord' | 'setAuditOutcome' | 'searchAuditRecords'>;

const MAX_PAGE = 500;
const OUTCOMES: readonly string[] = ['done', 'refused', 'failed'] satisfies AuditOutcome[];

function isOutcome(text: string): text is AuditOutcome {
  return OUTCOMES.includes(text);
}

/** The record of what administrators do. */
export function auditMethods(audit: AuditRepo): AuditMethods {
  return {
    async addAuditRecord(ctx, { record }) {
      requireAdmin(ctx);
      if (!record) throw argsError('record is empty');
      const { recordID, time, adminUserID, act, targetKind, targetID, reason } = record;
      const { details, address, operationID } = record;
      await audit.add(ctx.tenant, {
        ...{ id: recordID, time, admin: adminUserID, act, targetKind, targetID, reason },
        ...{ details, address, operationID, outcome: 'started', errCode: 0 },
      });
      return make('auth.AddAuditRecordResp');
    },
    async setAuditOutcome(ctx, { recordID, outcome, errCode }) {
      requireAdmin(ctx);
      if (!isOutcome(outcome)) throw argsError(`outcome must be one of ${OUTCOMES.join(', ')}`);
      await audit.setOutcome(ctx.tenant, recordID, { outcome, errCode });
      return make('auth.SetAuditOutcomeResp');
    },
    async searchAuditRecords(ctx, request) {
      requireAdmin(ctx);
      const { adminUserID, act, targetKind, targetID, outcome, startTime, endTime, limit, cursor } = request;
      if (limit < 1 || limit > MAX_PAGE) throw argsError(`limit must be 1 to ${MAX_PAGE}`);
      if (outcome !== '' && outcome !== 'started' && !isOutcome(outcome))
        throw argsError(`outcome must be one of started, ${OUTCOMES.join(', ')}`);
      const query = {
        ...(adminUserID !== '' && { admin: adminUserID }),
        ...(act !== '' && { act }),
        ...(outcome !== '' && { outcome }),
        ...(targetID !== '' && { target: { kind: targetKind, id: targetID } }),
        ...(startTime > 0 && { from: startTime }),
        ...(endTime > 0 && { to: endTime }),
      };
      const { records, next = '' } = await audit.list(ctx.tenant, query, limit, cursor || undefined);
      return make('auth.SearchAuditRecordsResp', {
        records: records.map(({ id, admin, ...rest }) =>
          make('auth.AuditRecord', { ...rest, recordID: id, adminUserID: admin }),
        ),
        cursor: next,
      });
    },
  };
}
