import {
  type CheckDetail,
  CheckError,
  type CheckResult,
  type CheckSource,
  unreachable,
} from './check-result.ts';

/** Longest time of one check, ms. */
export const CHECK_TIMEOUT_MS = 3_000;

/** What a check needs to know beside its store. */
export interface CheckRun {
  /** Ends the check in time; libraries that know no signals are left behind, and closed when they come back. */
  readonly signal: AbortSignal;
  /** Registers what must be closed after the check, however it ends. It must not wait for the server. */
  defer(close: () => unknown): void;
}

/**
 * Runs a check to its result within {@link CHECK_TIMEOUT_MS}: what it throws becomes a failed result, where it says so
 * itself, and otherwise the store is unreachable. Values of `secrets` are cut out of every message.
 * @throws the reason of `signal` when that ends it.
 */
export async function runCheck(
  subject: {
    readonly source: CheckSource;
    readonly where: string;
    readonly secrets: readonly (string | undefined)[];
  },
  signal: AbortSignal,
  check: (run: CheckRun) => Promise<CheckDetail>,
): Promise<CheckResult> {
  signal.throwIfAborted();
  const timeout = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const both = AbortSignal.any([signal, timeout]);
  const closes: (() => unknown)[] = [];
  const work = check({ signal: both, defer: (close) => closes.push(close) });
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(both.reason);
  both.addEventListener('abort', abort, { once: true });
  try {
    return { ok: true, detail: await Promise.race([work, aborted.promise]) };
  } catch (error) {
    signal.throwIfAborted();
    const told =
      error instanceof CheckError
        ? error
        : unreachable(
            subject.source,
            subject.where,
            timeout.aborted ? `no answer within ${CHECK_TIMEOUT_MS / 1_000} s` : causeOf(error),
          );
    return { ok: false, reason: told.reason, message: withoutSecrets(told.message, subject.secrets) };
  } finally {
    both.removeEventListener('abort', abort);
    // A check that was left behind fails later, and what it opened until then is closed then.
    const close = () => {
      for (const end of closes.splice(0)) void (async () => end())().catch(() => undefined);
    };
    void work.then(close, close);
    close();
  }
}

/** What an error says, with the code of the system call where there is one. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return causeOf(error.errors[0]);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}

function withoutSecrets(message: string, secrets: readonly (string | undefined)[]): string {
  return secrets.reduce<string>(
    (text, secret) => (secret === undefined || secret.length < 3 ? text : text.replaceAll(secret, '***')),
    message,
  );
}

/** Whether dotted number `version` is at least `minimum`; what follows a hyphen does not count. */
export function isAtLeast(version: string, minimum: string): boolean {
  const have = parts(version);
  const want = parts(minimum);
  for (const [index, least] of want.entries()) {
    const difference = (have[index] ?? 0) - least;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function parts(version: string): number[] {
  return (version.split('-')[0] ?? '').split('.').map(Number);
}
