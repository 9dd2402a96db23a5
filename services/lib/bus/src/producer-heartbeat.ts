/** A heartbeat of a producer of deliveries. Small and frequent, so plain JSON. */
export interface Heartbeat {
  readonly id: string;
  /** Counts the heartbeats of one producer: a jump means that messages to us were lost. */
  readonly n: number;
  /** Everything of this producer up to this sequence of SEQ was published before this heartbeat; -1: unknown. */
  readonly sequence: number;
  /** When it was sent, ms, by the producer's clock. */
  readonly sentMs: number;
  /** {@link ProducerState.generation} */
  readonly run?: number;
  /** {@link ProducerState.allPartitionsOwned} */
  readonly covered?: boolean;
  /** The producer ends in order; nothing of it is under way. */
  readonly bye?: boolean;
}

/** Between two heartbeats. */
export const HEARTBEAT_MS = 500;

/** A producer that was silent for this long is not waited for. */
export const SILENT_MS = 3 * HEARTBEAT_MS;

export function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** @returns undefined for bytes that are no heartbeat. */
export function decodeHeartbeat(data: Uint8Array): Heartbeat | undefined {
  const value = parseJson(data);
  const valid =
    typeof value.id === 'string' &&
    Number.isSafeInteger(value.n) &&
    Number.isSafeInteger(value.sequence) &&
    typeof value.sentMs === 'number';
  return valid ? (value as unknown as Heartbeat) : undefined;
}

/** A JSON object of unknown shape; empty when it is none. */
export function parseJson(data: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(data).toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
