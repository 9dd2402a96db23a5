import { gunzipSync, gzipSync } from 'node:zlib';

/** A request as a client frames it. */
export interface WireRequest {
  readonly reqIdentifier: number;
  readonly msgIncr: string;
  readonly operationID: string;
  readonly sendID: string;
  readonly data: Uint8Array;
}

/** A response or push as a client reads it. */
export interface WireResponse {
  readonly reqIdentifier: number;
  readonly msgIncr: string;
  readonly operationID: string;
  readonly errCode: number;
  readonly errMsg: string;
  readonly data: Uint8Array;
}

/** How envelopes become binary frames, and back. */
export interface FrameCodec {
  encode(request: WireRequest): Uint8Array;
  /** @throws Error for a frame that is no envelope. */
  decode(frame: Buffer): WireResponse;
}

const EMPTY = new Uint8Array(0);

/** `sdkType=js`. */
export const jsonFrames: FrameCodec = {
  encode: (r) =>
    Buffer.from(
      JSON.stringify({
        reqIdentifier: r.reqIdentifier,
        msgIncr: r.msgIncr,
        sendID: r.sendID,
        operationID: r.operationID,
        data: Buffer.from(r.data.buffer, r.data.byteOffset, r.data.byteLength).toString('base64'),
      }),
    ),
  decode(frame) {
    const r: Partial<Omit<WireResponse, 'data'>> & { data?: string | null } = JSON.parse(
      frame.toString('utf8'),
    );
    return {
      reqIdentifier: r.reqIdentifier ?? 0,
      msgIncr: r.msgIncr ?? '',
      operationID: r.operationID ?? '',
      errCode: r.errCode ?? 0,
      errMsg: r.errMsg ?? '',
      data: r.data ? Buffer.from(r.data, 'base64') : EMPTY,
    };
  },
};

/** The same frames, each a gzip member. */
export function gzipped(codec: FrameCodec): FrameCodec {
  return {
    encode: (request) => gzipSync(codec.encode(request)),
    decode: (frame) => codec.decode(gunzipSync(frame)),
  };
}
