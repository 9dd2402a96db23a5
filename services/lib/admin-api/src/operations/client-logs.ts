import { z } from 'zod';
import { nextCursor, page, queryTime, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A log file that a client uploaded. */
export const ClientLog = z
  .object({
    logID: z.string(),
    userID: z.string(),
    nickname: z.string(),
    platform: z.string(),
    url: z.string().meta({ description: 'Where the file is.' }),
    filename: z.string(),
    framework: z.string().meta({ description: 'What the app is built with, as it says.' }),
    version: z.string().meta({ description: 'Of the app.' }),
    createTime: time,
  })
  .meta({ id: 'ClientLog' });
/** A log file that a client uploaded. */
export type ClientLog = z.output<typeof ClientLog>;

/** Log files, newest first. */
export const listClientLogs = operation({
  id: 'listClientLogs',
  method: 'GET',
  path: '/client-logs',
  access: 'read',
  tag: 'client logs',
  summary: 'List log files that clients uploaded for support, newest first.',
  query: z.strictObject({
    ...page(100),
    keyword: z.string().max(128).optional().meta({ description: 'In user ID or file name.' }),
    from: queryTime.optional(),
    to: queryTime.optional(),
  }),
  answer: z.object({ logs: z.array(ClientLog), nextCursor }),
  perSecond: 10,
  console: { role: 'support' },
});

/** Removes a log file from the list. */
export const deleteClientLog = operation({
  id: 'deleteClientLog',
  method: 'DELETE',
  path: '/client-logs/{logID}',
  access: 'write',
  tag: 'client logs',
  summary: 'Remove a log file from the list; the file itself expires as objects do.',
  params: z.strictObject({ logID: z.string().min(1).max(64) }),
  query: z.strictObject({ reason }),
  answer: z.object({}),
  audit: { act: 'clientLog.delete', kind: 'clientLog', param: 'logID' },
});
