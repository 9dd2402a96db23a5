export { codeMail } from './code-mail.ts';
export { type GuardedSend, sendByFirst } from './guarded-send.ts';
export type { Mail } from './mailer.ts';
export type { Outcome, Reason } from './outcome.ts';
export type { SmsCode } from './sms-provider.ts';
export { createSenders, type Senders, type TenantSenders } from './tenant-senders.ts';
