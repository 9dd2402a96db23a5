import type { Framing, RequestEnvelope, ResponseEnvelope } from './envelope.ts';
import { decodeGobRequest, decodeGobResponse } from './gob-decode.ts';
import { encodeGobRequest, encodeGobResponse } from './gob-encode.ts';
import { gunzip, gzip, inflatedSize } from './gzip.ts';
import {
  decodeJsonRequest,
  decodeJsonResponse,
  encodeJsonRequest,
  encodeJsonResponse,
} from './json-envelope.ts';

/** Most bytes that a client inflates from one answer. */
const CLIENT_INFLATE_LIMIT = 16 * 1_048_576;

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Server side: bytes of a request as the frame itself says, before anything is inflated. A gzipped one may say too few.
 */
export function declaredBytes(framing: Framing, frame: Uint8Array): number {
  if (!framing.gzip) return frame.length;
  return Math.max(frame.length, inflatedSize(frame));
}

/**
 * Server side: the bytes of a request.
 * @param inflatedLimit most bytes after gunzip.
 * @throws EnvelopeError for what is no gzip where it must be, or is larger; the connection is to be closed then.
 */
export function plainRequest(framing: Framing, frame: Uint8Array, inflatedLimit: number): Buffer {
  return framing.gzip ? gunzip(frame, inflatedLimit) : buffer(frame);
}

/**
 * Server side: the request that {@link plainRequest} returned.
 * @throws EnvelopeError for anything that is no request; the connection is to be closed then.
 */
export function parseRequest(framing: Framing, plain: Buffer): RequestEnvelope {
  return framing.encoding === 'gob' ? decodeGobRequest(plain) : decodeJsonRequest(plain);
}

/** Server side: the request in a binary frame; see {@link plainRequest} and {@link parseRequest}. */
export function decodeRequest(framing: Framing, frame: Uint8Array, inflatedLimit: number): RequestEnvelope {
  return parseRequest(framing, plainRequest(framing, frame, inflatedLimit));
}

/** Server side: the payload of the binary frame of an answer or push. */
export function encodeResponse(framing: Framing, response: ResponseEnvelope): Buffer {
  const plain = framing.encoding === 'gob' ? encodeGobResponse(response) : encodeJsonResponse(response);
  return framing.gzip ? gzip(plain) : plain;
}

/** Client side: the payload of the binary frame of a request. */
export function encodeRequest(framing: Framing, request: RequestEnvelope): Buffer {
  const plain = framing.encoding === 'gob' ? encodeGobRequest(request) : encodeJsonRequest(request);
  return framing.gzip ? gzip(plain) : plain;
}

/** Client side: the answer or push in a binary frame. @throws EnvelopeError. */
export function decodeResponse(framing: Framing, frame: Uint8Array): ResponseEnvelope {
  const plain = framing.gzip ? gunzip(frame, CLIENT_INFLATE_LIMIT) : buffer(frame);
  return framing.encoding === 'gob' ? decodeGobResponse(plain) : decodeJsonResponse(plain);
}
