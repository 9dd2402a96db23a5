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
  | 'NoPrimary'
  | 'ReadOnly'
  | 'BucketUnavailable';

/** What a check learned of a store. */
export interface CheckDetail {
  /** As the server tells it. */
  readonly version?: string;
  /** Bytes of the message log, once there is one; NATS only. */
  readonly logBytes?: number;
  readonly logMaxBytes?: number;
  /** Copies of the message log that are up to date, and how many there should be; NATS only. */
  readonly logReplicasCurrent?: number;
  readonly logReplicas?: number;
}

/** Outcome of a check. A message names the field of spec and the remedy, and never holds a secret. */
export type CheckResult =
  | { readonly ok: true; readonly detail: CheckDetail }
  | { readonly ok: false; readonly reason: CheckFailure; readonly message: string };

/** Where what is checked comes from, for messages. */
export interface CheckSource {
  /** Field of spec that says how the store is reached, such as `spec.mongodb.external.uriSecretRef`. */
  readonly field: string;
  /** Secret that the password or connection string is from. */
  readonly secret?: string;
  /** Whether the operator runs it. */
  readonly managed: boolean;
}

/** A failed check. @param remedy what the reader can do; for a store of the operator's own there is mostly nothing. */
export function failed(
  { field }: CheckSource,
  reason: CheckFailure,
  problem: string,
  remedy: string,
): CheckResult {
  return { ok: false, reason, message: `${field}: ${problem}; ${remedy}` };
}
