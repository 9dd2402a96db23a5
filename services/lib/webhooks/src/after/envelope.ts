import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { AfterEvent } from '@im/contract';
import type { WebhookKey } from '../request.ts';

/** A delivery as the queue and the store have it. */
export interface Delivery {
  /** `webhook-id`: the same over all attempts, and for a hand-over that was repeated. */
  readonly id: string;
  readonly event: AfterEvent;
  readonly operationID: string;
  readonly key?: WebhookKey;
  /** When the event was handed over, ms. */
  readonly createdMs: number;
  /** W3C `traceparent` of the step that handed it over; only in sampled traces. */
  readonly traceparent?: string;
  /** JSON, as it is sent. */
  readonly body: string;
}

const VERSION = 1;
/** From this size on bodies are compressed. */
const COMPRESS_BYTES = 65_536;
/** Largest body that is read, compressed or not. */
const MAX_BODY_BYTES = 16_777_216;
const NEWLINE = 10;
const compress = promisify(gzip);
const decompress = promisify(gunzip);

interface Head extends Omit<Delivery, 'body'> {
  readonly v: number;
  readonly gzip?: true;
}

/** One line of JSON, then the body. */
export async function encodeDelivery({ body, ...rest }: Delivery): Promise<Buffer> {
  const plain = Buffer.from(body, 'utf8');
  const large = plain.length > COMPRESS_BYTES;
  const head: Head = { v: VERSION, ...rest, ...(large && { gzip: true }) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), large ? await compress(plain) : plain]);
}

/** @throws for what no version wrote. */
export async function decodeDelivery(payload: Uint8Array): Promise<Delivery> {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const end = bytes.indexOf(NEWLINE);
  if (end < 0) throw new Error('a webhook delivery has no head');
  const { v, gzip: compressed, ...rest }: Head = JSON.parse(bytes.toString('utf8', 0, end));
  if (v !== VERSION) throw new Error(`a webhook delivery has the unknown version ${v}`);
  const body = bytes.subarray(end + 1);
  const plain = compressed ? await decompress(body, { maxOutputLength: MAX_BODY_BYTES }) : body;
  return { ...rest, body: plain.toString('utf8') };
}
