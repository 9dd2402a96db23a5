/** Why a store cannot be used, in one word for conditions. */
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
  | 'BucketUnavailable';

/** What a check learned of a store. */
export interface CheckDetail {
  /** As the server tells it. */
  readonly version?: string;
  /** Bytes of the message log, once there is one; NATS only. */
  readonly logBytes?: number;
  readonly logMaxBytes?: number;
  /** Copies of the message log that are up to date, and how many there should be; NATS only. */
  readonly logCopiesCurrent?: number;
  readonly logCopies?: number;
}

/** Outcome of a check. A message names the field of spec and the remedy, and never holds a secret. */
export type CheckResult =
  | { readonly ok: true; readonly detail: CheckDetail }
  | { readonly ok: false; readonly reason: CheckFailure; readonly message: string };

/** Where the address and the account of a store come from, for messages. */
export interface CheckSource {
  /** Whether the operator runs it. */
  readonly managed: boolean;
  /** Field of spec that says where it is, such as `spec.nats.external.servers`. */
  readonly addressField: string;
  /** Field of spec that says who uses it. */
  readonly accountField: string;
  /** Secret that holds the account; none for a store that asks nobody. */
  readonly secret?: string | undefined;
}

/** A check that failed, thrown inside a check. */
export class CheckError extends Error {
  override readonly name = 'CheckError';
  readonly reason: CheckFailure;

  /** @param message field, problem and remedy. */
  constructor(reason: CheckFailure, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Nobody answered, or not in time. */
export function unreachable(source: CheckSource, where: string, cause: string): CheckError {
  const remedy = source.managed
    ? 'it is tried again; see the events and logs of its pods'
    : 'check that it runs, that the address is right and that the operator and the services may connect to it';
  return new CheckError(
    'Unreachable',
    `${source.addressField}: ${where} cannot be reached (${cause}); ${remedy}`,
  );
}

/** The server did not take the account. */
export function refused(source: CheckSource, where: string): CheckError {
  const problem = `${source.accountField}: ${where} refuses the credentials`;
  if (source.secret === undefined) {
    return new CheckError('AuthenticationFailed', `${problem}; name a Secret that holds an account`);
  }
  const remedy = source.managed
    ? `put back into Secret ${source.secret} what it held when the volume was made`
    : `correct the account in Secret ${source.secret}`;
  return new CheckError('AuthenticationFailed', `${problem} of Secret ${source.secret}; ${remedy}`);
}

/** The server is older than what the services need. */
export function tooOld(source: CheckSource, what: string, version: string, minimum: string): CheckError {
  const field = source.managed ? `${source.addressField}.image` : source.addressField;
  return new CheckError(
    'VersionTooOld',
    `${field}: ${what} is version ${version}; ${minimum} or later is needed, so upgrade it`,
  );
}
