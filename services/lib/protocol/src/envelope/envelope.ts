/** One request of a client. Source: docs/protocol/envelope.md. */
export interface RequestEnvelope {
  reqIdentifier: number;
  token: string;
  sendID: string;
  operationID: string;
  /** Correlation id, echoed by the answer. */
  msgIncr: string;
  /** Protobuf of the request; a view of the frame it was decoded from. */
  data: Uint8Array;
}

/** One answer to a client, or one push (msgIncr empty). */
export interface ResponseEnvelope {
  reqIdentifier: number;
  msgIncr: string;
  operationID: string;
  errCode: number;
  errMsg: string;
  /** Protobuf of the answer; null when there is none, which JSON distinguishes from an empty one. */
  data: Uint8Array | null;
}

/** How the binary frames of a connection are written, both ways. */
export interface Framing {
  readonly encoding: 'gob' | 'json';
  readonly gzip: boolean;
}

/** A frame that is no envelope: truncated, of wrong types, or beyond a limit. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
}

/** No bytes; what an envelope without data holds. */
export const NO_BYTES: Uint8Array = Buffer.alloc(0);

/** Largest frame of an answer, bytes. Go clients drop the connection for frames above 1 MiB, and ask again for ever. */
export const MAX_ANSWER_FRAME_BYTES = 1_000_000;

/** Bytes of a frame that the data of an answer may take; the envelope and rounding take the rest. */
const DATA_BYTES = 850 * 1_024;

/**
 * Most bytes of protobuf in an answer of this encoding. JSON frames carry them as base64, which is a third longer.
 * Compression is not counted on: random data does not shrink.
 */
export function answerBytes({ encoding }: Pick<Framing, 'encoding'>): number {
  return encoding === 'json' ? (DATA_BYTES * 3) / 4 : DATA_BYTES;
}

/**
 * The size limit of an answer in bytes of protobuf: what the caller asks for, within the bounds that frames of JSON and
 * of gob have.
 * @param asked 0 for a caller that does not know the encoding of its client.
 */
export function answerBudget(asked: number): number {
  const smallest = answerBytes({ encoding: 'json' });
  return Math.min(Math.max(asked, smallest), answerBytes({ encoding: 'gob' }));
}
