import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { CallerProof } from '@im/contract';

/** The key by which processes of a cluster know each other, and how strictly it is asked for. */
export interface ClusterKey {
  /** Empty: callers are not asked for it. */
  readonly key: string;
  /** Callers that do not know it are let in as well. */
  readonly acceptMissingKey: boolean;
}

/** What follows from a key. */
export function callerProof({ key, acceptMissingKey }: ClusterKey): CallerProof {
  if (key === '') return 'none';
  return acceptMissingKey ? 'optional' : 'required';
}

/** What a caller has to prove that it knows the cluster's key by. */
export function newChallenge(): Uint8Array {
  return randomBytes(32);
}

/** The proof for a challenge; the key itself never travels. */
export function proofOf(key: string, challenge: Uint8Array): Uint8Array {
  return createHmac('sha256', `openim-pipe:${key}`).update(challenge).digest();
}

/** Whether this is the proof for the challenge. Takes the same time whatever is wrong. */
export function isProof(key: string, challenge: Uint8Array, proof: Uint8Array): boolean {
  const wanted = proofOf(key, challenge);
  return proof.length === wanted.length && timingSafeEqual(proof, wanted);
}

/** Whether two secrets are the same. Takes the same time whatever differs. */
export function sameSecret(given: string, wanted: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', wanted, 'buffer'));
}
