import type { Refusal } from './observation/observation.ts';

/** Why a value cannot be used; the reason of condition Accepted. */
export type BrokenReason =
  | 'SecretMissing'
  | 'SecretKeyMissing'
  | 'SecretInvalid'
  | 'ConfigMapMissing'
  | 'ConfigMapKeyMissing'
  | 'ConfigMapInvalid';

/** A field of the spec refers to a missing or unusable Secret or ConfigMap; the cluster is not changed until it is corrected. */
export class BrokenReferenceError extends Error {
  override readonly name = 'BrokenReferenceError';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}
