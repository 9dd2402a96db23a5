import { z } from 'zod';

/** Ids become parts of keys, so they have no control characters. */
export const id = z
  .string()
  .min(1)
  .max(2_048)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it refuses
  .regex(/^[^\u0000-\u001f]*$/, 'contains a control character');

/** A time, ms since 1970. */
export const time = z.int().min(0).meta({ description: 'ms since 1970-01-01 UTC' });

/** Such a time in a query. */
export const queryTime = z.coerce
  .number<number>()
  .int()
  .min(0)
  .meta({ description: 'ms since 1970-01-01 UTC' });

/** Why an administrator does something; kept in the audit log. */
export const reason = z.string().max(1_000).default('').meta({ description: 'Why; kept in the audit log.' });

/** Why an administrator reads what users wrote: required, as it is all that the audit log can say of the purpose. */
export const readReason = z
  .string()
  .trim()
  .min(1, 'reason must say why the messages are read')
  .max(1_000)
  .meta({ description: 'Why; kept in the audit log before anything is read.' });

/**
 * The query of a list.
 * @param most largest page
 */
export function page(most = 500) {
  return {
    limit: z.coerce
      .number<number>()
      .int()
      .min(1)
      .max(most)
      .default(100)
      .meta({ description: 'Most entries of the page.' }),
    cursor: z
      .string()
      .max(1_024)
      .optional()
      .meta({ description: '`nextCursor` of the page before; absent for the first page.' }),
  };
}

/** Where the next page begins. */
export const nextCursor = z
  .string()
  .optional()
  .meta({ description: '`cursor` of the next page; absent on the last one.' });

/** What is refused. */
export const Failure = z
  .object({
    code: z.int().meta({ description: 'Code of the catalogue of errors.' }),
    name: z.string(),
    message: z.string().meta({ description: 'What is wrong.' }),
    field: z.string().optional().meta({ description: 'The parameter or field that is wrong.' }),
    remedy: z.string().optional().meta({ description: 'What to do.' }),
    kind: z
      .string()
      .optional()
      .meta({ description: 'Which of the faults that the operation names, where it names several.' }),
    subject: z.string().optional().meta({ description: 'What the fault is about, such as a user.' }),
    requestID: z.string().meta({ description: 'As in the logs of the server.' }),
  })
  .meta({ id: 'Failure' });

/** Body of every refusal. */
export const FailureBody = z.object({ error: Failure });
/** What is refused, as it travels. */
export type Failure = z.output<typeof Failure>;
