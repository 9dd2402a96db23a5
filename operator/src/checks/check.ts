/** Why a store is unusable; the reason of its condition. */
export type CheckFailure =
  | 'Unreachable'
  | 'AuthenticationFailed'
  | 'NotAuthorized'
  | 'InvalidAddress'
  | 'VersionTooOld'
  | 'JetStreamDisabled'
  | 'NotClustered'
  | 'NotAReplicaSet'
  | 'ReplicaSetStarting'
  | 'NotWritable'
  | 'BucketUnavailable'
  | 'UsedByAnotherCluster'
  | 'CertificateInvalid';

/** Facts about a store that passed its check. */
export interface CheckDetail {
  /** As reported by the server. */
  readonly version?: string;
  /** Bytes of the message log, once there is one; NATS only. */
  readonly logBytes?: number;
  readonly logMaxBytes?: number;
  /** Copies of the message log that are up to date, and how many there should be; NATS only. */
  readonly logCopiesCurrent?: number;
  readonly logCopies?: number;
}

/** Result of a check. The message names the field of the spec, the fault and the remedy, and contains no secret. */
export type CheckResult =
  | { readonly ok: true; readonly detail: CheckDetail }
  | { readonly ok: false; readonly reason: CheckFailure; readonly message: string };

/** Certificates for a connection, as PEM. */
export interface CheckTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Where the address and the account of a store are configured; for messages. */
export interface CheckSource {
  /** Whether the store is managed. */
  readonly managed: boolean;
  /** Field with the address, such as `spec.nats.external.servers`. */
  readonly addressField: string;
  /** Field of the spec that names the account, for messages. */
  readonly accountField: string;
  /** Secret with the account; absent without authentication. */
  readonly secret?: string | undefined;
}

/** Thrown by a check that finds a fault. */
export class CheckError extends Error {
  override readonly name = 'CheckError';
  readonly reason: CheckFailure;

  /** @param message field, problem and remedy. */
  constructor(reason: CheckFailure, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** No response, or too late. */
export function unreachable(source: CheckSource, where: string, cause: string): CheckError {
  const remedy = source.managed
    ? 'the check is retried; see the events and logs of its pods'
    : 'check that it is running, that the address is correct, and that firewalls admit the operator and the services';
  return new CheckError(
    'Unreachable',
    `${source.addressField}: ${where} is unreachable (${cause}); ${remedy}`,
  );
}

/** Codes of Node for a server whose certificate cannot be verified. */
const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** The failure for an error of TLS, which drivers wrap; undefined for any other. */
export function certificateFault(source: CheckSource, where: string, error: unknown): CheckError | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    const code = 'code' in each ? String(each.code) : '';
    const tls = source.addressField.replace(/\.[^.]+$/, '.tls');
    if (UNTRUSTED.has(code)) {
      return new CheckError(
        'CertificateInvalid',
        `${tls}: the certificate of ${where} is not trusted (${each.message}); refer to the CA that issued it by caSecretRef or caConfigMapRef, or correct the host in ${source.addressField}`,
      );
    }
    if (/^ERR_SSL_.*(CERTIFICATE|UNKNOWN_CA)/.test(code)) {
      return new CheckError(
        'CertificateInvalid',
        `${tls}: ${where} refuses the client certificate (${each.message}); refer to one that it accepts by clientCertificateSecretRef`,
      );
    }
  }
  return undefined;
}

/** The server rejected the account. */
export function refused(source: CheckSource, where: string): CheckError {
  const problem = `${source.accountField}: ${where} rejects the credentials`;
  if (source.secret === undefined) {
    return new CheckError('AuthenticationFailed', `${problem}; refer to a Secret with an account`);
  }
  const remedy = source.managed
    ? `restore in Secret ${source.secret} the values from when the volume was created`
    : `correct the account in Secret ${source.secret}`;
  return new CheckError('AuthenticationFailed', `${problem} of Secret ${source.secret}; ${remedy}`);
}

/** The server is older than what the services need. */
export function tooOld(source: CheckSource, what: string, version: string, minimum: string): CheckError {
  const field = source.managed ? `${source.addressField}.image` : source.addressField;
  return new CheckError(
    'VersionTooOld',
    `${field}: ${what} has version ${version}; upgrade it to ${minimum} or later`,
  );
}

/** Longest time of one check, ms. */
export const CHECK_TIMEOUT_MS = 3_000;

/** Context of a running check. */
export interface CheckRun {
  /** Aborts at the deadline; calls of libraries without signals are abandoned, and closed when they return. */
  readonly signal: AbortSignal;
  /** Registers a cleanup, which must not wait for the server. */
  defer(close: () => unknown): void;
}

/**
 * Runs a check within {@link CHECK_TIMEOUT_MS}. A {@link CheckError} becomes the failed result; any other error means
 * that the store is unreachable. Values of `secrets` are removed from all messages.
 * @throws the reason of `signal` when it aborts.
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
    const failure =
      error instanceof CheckError
        ? error
        : (certificateFault(subject.source, subject.where, error) ??
          unreachable(
            subject.source,
            subject.where,
            timeout.aborted ? `no answer within ${CHECK_TIMEOUT_MS / 1_000} s` : causeOf(error),
          ));
    return { ok: false, reason: failure.reason, message: withoutSecrets(failure.message, subject.secrets) };
  } finally {
    both.removeEventListener('abort', abort);
    // An abandoned check fails later, and what it has opened is closed then.
    const close = () => {
      for (const end of closes.splice(0)) void (async () => end())().catch(() => undefined);
    };
    void work.then(close, close);
    close();
  }
}

/** The message of an error, or the code of the failed system call. */
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

/** Whether the dotted `version` is at least `minimum`, without regard to a suffix after a hyphen. */
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
