import { type ClusterKey, isProof, newChallenge } from '@im/kit';

/** Time in which a caller answers a challenge, ms. */
const PROOF_MS = 10_000;

/** The server's answers to a caller. */
export interface AdmissionEvents {
  /** It has to prove that it knows the key by this. */
  challenge(challenge: Uint8Array): void;
  /** It may call from now on; once per caller. */
  admit(): void;
  /** It does not know the key; once per caller, and nothing follows. */
  refuse(): void;
}

/**
 * Whether one caller may call. A key that changes is asked for again: who was let in without a key, or
 * with an old one, has to prove that it knows the new one.
 */
export class CallerAdmission {
  readonly #events: AdmissionEvents;
  #asked: { readonly key: string; readonly challenge: Uint8Array } | undefined;
  #proved = false;
  #required = false;
  #admitted = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(now: ClusterKey, events: AdmissionEvents) {
    this.#events = events;
    this.ask(now);
  }

  /** Asks for the key as it is now, unless that has been proved. */
  ask({ key, acceptMissingKey }: ClusterKey): void {
    if (this.#closed || (this.#proved && this.#asked?.key === key)) return;
    clearTimeout(this.#timer);
    this.#proved = false;
    this.#required = key !== '' && !acceptMissingKey;
    this.#asked = key === '' ? undefined : { key, challenge: newChallenge() };
    if (this.#asked) this.#events.challenge(this.#asked.challenge);
    if (!this.#required) this.#admit();
    else this.#timer = setTimeout(() => this.#refuse(), PROOF_MS).unref();
  }

  /** @param proof of a frame that arrived; empty when it has none. @returns whether the frame counts. */
  take(proof: Uint8Array): boolean {
    if (this.#closed) return false;
    if (!this.#asked || this.#proved) return true;
    const { key, challenge } = this.#asked;
    if (isProof(key, challenge, proof)) {
      this.#proved = true;
      clearTimeout(this.#timer);
      this.#admit();
    } else if (this.#required && (proof.length > 0 || !this.#admitted)) {
      this.#refuse();
      return false;
    }
    return true;
  }

  /** The caller is gone. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #admit(): void {
    if (this.#admitted) return;
    this.#admitted = true;
    this.#events.admit();
  }

  #refuse(): void {
    this.close();
    this.#events.refuse();
  }
}
