import type { Language, VerificationSettings } from '@im/contract';
import type { Mail } from './mailer.ts';
import { filled, ofLanguage, type SmsCode } from './sms-provider.ts';

type Texts = Pick<Mail, 'subject' | 'text' | 'html'>;

/** What mails with codes say where a tenant has no texts. */
const USUAL: Readonly<Record<Language, Texts>> = {
  zh: {
    subject: '验证码',
    text: '您的验证码是 {code}，{minutes} 分钟内有效。请勿告诉他人。如非本人操作，请忽略此邮件。\n',
    html: '',
  },
  en: {
    subject: 'Verification code',
    text: 'Your verification code is {code}. It is valid for {minutes} minutes. Do not share it. If you did not ask for it, ignore this mail.\n',
    html: '',
  },
};

/** The mail with a code, in its language or one that the tenant has texts of. */
export function codeMail(templates: VerificationSettings['mail'], code: Omit<SmsCode, 'number'>): Texts {
  const { subject, text, html } = ofLanguage(templates ?? USUAL, code.language);
  return { subject: filled(subject, code), text: filled(text, code), html: filled(html, code) };
}
