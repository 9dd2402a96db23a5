import type { Language, SmsProviderName } from '@im/contract';
import type { Outcome } from './outcome.ts';

/** A code for one number. */
export interface SmsCode {
  /** E.164, such as +8613800000000. */
  readonly number: string;
  readonly language: Language;
  readonly code: string;
  readonly minutes: number;
}

/** A provider of SMS with the credentials of one tenant. */
export interface SmsProvider {
  readonly name: SmsProviderName;
  /** Sends a code, once. Never rejects. */
  send(code: SmsCode, signal: AbortSignal): Promise<Outcome>;
  close(): void;
}

/** Fills in `{code}` and `{minutes}`. */
export function filled(text: string, { code, minutes }: Pick<SmsCode, 'code' | 'minutes'>): string {
  return text.replaceAll('{code}', code).replaceAll('{minutes}', String(minutes));
}

/** The value of a language, or of another one. */
export function ofLanguage<T>(values: { readonly [L in Language]?: T | undefined }, language: Language): T {
  const value = values[language] ?? values.zh ?? values.en;
  if (value === undefined) throw new TypeError('no language has a value');
  return value;
}
