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
  /** Protobuf of the answer; null when there is none, which JSON tells from an empty one. */
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
