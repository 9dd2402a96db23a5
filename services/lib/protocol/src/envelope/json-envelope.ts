import { EnvelopeError, NO_BYTES, type RequestEnvelope, type ResponseEnvelope } from './envelope.ts';

type Fields = Readonly<Record<string, unknown>>;

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new EnvelopeError('json: no JSON', { cause });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new EnvelopeError('json: no object');
  }
  return value as Fields;
}

/** The member of that name, in any case; null and absent are the same. */
function member(fields: Fields, name: string): unknown {
  const exact = fields[name];
  if (exact !== undefined) return exact ?? undefined;
  const lower = name.toLowerCase();
  for (const key in fields) {
    if (key.toLowerCase() === lower) return fields[key] ?? undefined;
  }
  return undefined;
}

function text(fields: Fields, name: string): string {
  const value = member(fields, name);
  if (value === undefined) return '';
  if (typeof value !== 'string') throw new EnvelopeError(`json: ${name} is no string`);
  return value;
}

function int(fields: Fields, name: string): number {
  const value = member(fields, name);
  if (value === undefined) return 0;
  if (!Number.isSafeInteger(value)) throw new EnvelopeError(`json: ${name} is no integer`);
  return value as number;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Standard base64 with padding. */
function bytes(fields: Fields, name: string): Buffer | null {
  const value = member(fields, name);
  if (value === undefined) return null;
  if (typeof value !== 'string' || value.length % 4 !== 0 || !BASE64.test(value)) {
    throw new EnvelopeError(`json: ${name} is no base64`);
  }
  return Buffer.from(value, 'base64');
}

function base64(data: Uint8Array | null): string {
  if (data === null) return 'null';
  return `"${Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')}"`;
}

/** The request in a JSON frame. @throws EnvelopeError. */
export function decodeJsonRequest(frame: Buffer): RequestEnvelope {
  const fields = parseObject(frame.toString('utf8'));
  return {
    reqIdentifier: int(fields, 'reqIdentifier'),
    token: text(fields, 'token'),
    sendID: text(fields, 'sendID'),
    operationID: text(fields, 'operationID'),
    msgIncr: text(fields, 'msgIncr'),
    data: bytes(fields, 'data') ?? NO_BYTES,
  };
}

/** The answer or push in a JSON frame, as a client reads it. @throws EnvelopeError. */
export function decodeJsonResponse(frame: Buffer): ResponseEnvelope {
  const fields = parseObject(frame.toString('utf8'));
  return {
    reqIdentifier: int(fields, 'reqIdentifier'),
    msgIncr: text(fields, 'msgIncr'),
    operationID: text(fields, 'operationID'),
    errCode: int(fields, 'errCode'),
    errMsg: text(fields, 'errMsg'),
    data: bytes(fields, 'data'),
  };
}

/** A JSON frame of an answer or push. */
export function encodeJsonResponse(r: ResponseEnvelope): Buffer {
  return Buffer.from(
    `{"reqIdentifier":${r.reqIdentifier},"msgIncr":${JSON.stringify(r.msgIncr)},"operationID":${JSON.stringify(r.operationID)},"errCode":${r.errCode},"errMsg":${JSON.stringify(r.errMsg)},"data":${base64(r.data)}}`,
  );
}

/** A JSON frame of a request, as a client writes it. */
export function encodeJsonRequest(r: RequestEnvelope): Buffer {
  const token = r.token === '' ? '' : `,"token":${JSON.stringify(r.token)}`;
  return Buffer.from(
    `{"reqIdentifier":${r.reqIdentifier},"msgIncr":${JSON.stringify(r.msgIncr)},"sendID":${JSON.stringify(r.sendID)},"operationID":${JSON.stringify(r.operationID)}${token},"data":${base64(r.data)}}`,
  );
}
