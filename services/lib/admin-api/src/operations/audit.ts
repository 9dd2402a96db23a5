import { z } from 'zod';
import { id, nextCursor, page, queryTime, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** One act of an administrator. */
export const AuditRecord = z
  .object({
    id: z.string(),
    time,
    adminID: z.string(),
    act: z.string().meta({ description: '`<noun>.<verb>`, such as `user.ban`.' }),
    targetKind: z.string(),
    targetID: z.string(),
    reason: z.string(),
    details: z.string().meta({ description: 'What was asked, as JSON; cut after 4,096 characters.' }),
    address: z.string().meta({ description: "The administrator's address." }),
    requestID: z.string(),
    outcome: z
      .enum(['started', 'done', 'refused', 'failed'])
      .meta({ description: '`started` for long: the process died meanwhile, and it may be done or not.' }),
    errCode: z.int().meta({ description: '0 unless it was refused or failed.' }),
  })
  .meta({ id: 'AuditRecord' });
/** One act of an administrator. */
export type AuditRecord = z.output<typeof AuditRecord>;

/** The audit log, newest first. */
export const listAudit = operation({
  id: 'listAudit',
  method: 'GET',
  path: '/audit',
  access: 'read',
  tag: 'audit',
  summary: 'List the acts of administrators, newest first.',
  description:
    'Filters narrow each other. A page ends after looking at 10,000 acts: it may have fewer entries than `limit`, also none, and a `nextCursor` to go on.',
  query: z
    .strictObject({
      ...page(),
      adminID: id.optional().meta({ description: 'Acts of this administrator.' }),
      act: z.string().min(1).max(64).optional().meta({ description: 'Acts of this kind.' }),
      outcome: z.enum(['started', 'done', 'refused', 'failed']).optional(),
      targetKind: z
        .string()
        .min(1)
        .max(64)
        .optional()
        .meta({ description: 'With `targetID`: acts on this target.' }),
      targetID: id.optional(),
      from: queryTime.optional(),
      to: queryTime.optional().meta({ description: 'Exclusive.' }),
    })
    .refine(({ targetKind, targetID }) => (targetKind === undefined) === (targetID === undefined), {
      path: ['targetID'],
      message: 'targetKind and targetID go together: give both or neither',
    })
    .refine(
      ({ adminID, act, targetID }) => [adminID, act, targetID].filter((one) => one !== undefined).length <= 1,
      { path: ['act'], message: 'give one of adminID, act and targetID' },
    ),
  answer: z.object({ records: z.array(AuditRecord), nextCursor }),
  perSecond: 20,
});
