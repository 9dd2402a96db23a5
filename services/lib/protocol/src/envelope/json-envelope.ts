import { EnvelopeError, NO_BYTES, type RequestEnvelope, type ResponseEnvelope } from './envelope.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The members by their names in lower case: keys match in any case, the last one counts. */
function readMembers(frame: Buffer): Fields {
  let value: unknown;
  try {
    value = JSON.parse(frame.toString('utf8'));
  } catch (cause) {
    throw new EnvelopeError('json: no JSON', { cause });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new EnvelopeError('json: no object');
  }
  const members: Record<string, unknown> = Object.create(null);
  for (const [key, member] of Object.entries(value)) {
    // null and absent are the same.
    if (member !== null) members[lowerCase(key)] = member;
  }
  return members;
}

/** What keys usually look like, so that they need not be converted each time. */
const LOWER_CASE = new Map(
  ['reqIdentifier', 'token', 'sendID', 'operationID', 'msgIncr', 'errCode', 'errMsg', 'data'].map((key) => [
    key,
    key.toLowerCase(),
  ]),
);

function lowerCase(key: string): string {
  return LOWER_CASE.get(key) ?? key.toLowerCase();
}

function text(members: Fields, name: string): string {
  const value = members[name] ?? '';
  if (typeof value !== 'string') throw new EnvelopeError(`json: ${name} is no string`);
  return value;
}

function int(members: Fields, name: string): number {
  const value = members[name] ?? 0;
  if (!Number.isSafeInteger(value)) throw new EnvelopeError(`json: ${name} is no integer`);
  return value as number;
}

/** Standard base64 with padding. */
function bytes(members: Fields, name: string): Buffer | null {
  const value = members[name];
  if (value === undefined) return null;
  if (typeof value !== 'string' || value.length % 4 !== 0)
    throw new EnvelopeError(`json: ${name} is no base64`);
  const decoded = Buffer.from(value, 'base64');
  // The decoder passes over what is no base64, so that less comes out than must.
  const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0;
  if (decoded.length !== (value.length / 4) * 3 - padding)
    throw new EnvelopeError(`json: ${name} is no base64`);
  return decoded;
}

function base64(data: Uint8Array | null): string {
  if (data === null) return 'null';
  return `"${Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')}"`;
}

/** The request in a JSON frame. @throws EnvelopeError. */
export function decodeJsonRequest(frame: Buffer): RequestEnvelope {
  const members = readMembers(frame);
  return {
    reqIdentifier: int(members, 'reqidentifier'),
    token: text(members, 'token'),
    sendID: text(members, 'sendid'),
    operationID: text(members, 'operationid'),
    msgIncr: text(members, 'msgincr'),
    data: bytes(members, 'data') ?? NO_BYTES,
  };
}

/** The answer or push in a JSON frame, as a client reads it. @throws EnvelopeError. */
export function decodeJsonResponse(frame: Buffer): ResponseEnvelope {
  const members = readMembers(frame);
  return {
    reqIdentifier: int(members, 'reqidentifier'),
    msgIncr: text(members, 'msgincr'),
    operationID: text(members, 'operationid'),
    errCode: int(members, 'errcode'),
    errMsg: text(members, 'errmsg'),
    data: bytes(members, 'data'),
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
