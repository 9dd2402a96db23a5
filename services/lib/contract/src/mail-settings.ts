import { z } from 'zod';

/** A mail address, as it may stand in a header: no quotes, comments or line breaks. */
export const MAIL_ADDRESS =
  /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

/** Longest mail address, RFC 5321. */
export const MAIL_ADDRESS_CHARACTERS = 254;

/** A mail address in a setting. */
export const mailAddress = () =>
  z
    .string()
    .max(MAIL_ADDRESS_CHARACTERS)
    .regex(MAIL_ADDRESS, 'must be a mail address, such as im@example.org');

/** The SMTP server by which a tenant sends mail. */
export const MailSettings = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[A-Za-z0-9.:-]+$/, 'must be a host name or an IP address')
      .describe('SMTP server; at an internal address only if webhooks.allowedNetworks has it.'),
    port: z.int().min(1).max(65_535).default(587).describe('Port: 587 with starttls, 465 with tls.'),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe(
        'starttls: the connection must become encrypted; tls: it is from the start; none: nothing is encrypted, only for a server in the same private network.',
      ),
    ca: z
      .string()
      .min(1)
      .max(65_536)
      .optional()
      .describe('Certificates, as PEM, of an authority of the server that systems do not know.'),
    user: z.string().max(320).default('').describe('User name; empty: no authentication.'),
    password: z.string().max(4_096).default('').meta({ secret: true }).describe('Password of the user.'),
    from: mailAddress().describe('Address of the sender.'),
    fromName: z.string().max(128).default('').describe('Name of the sender.'),
  })
  .describe('SMTP server of the tenant: verification codes and reports go through it.');
export type MailSettings = z.infer<typeof MailSettings>;
