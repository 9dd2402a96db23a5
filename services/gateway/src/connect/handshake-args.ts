import { ERR, type Framing, ImError } from '@im/protocol';

/** What a client says about itself when it connects. Source: docs/protocol/connection.md. */
export interface HandshakeArgs {
  readonly token: string;
  readonly userID: string;
  readonly platformID: number;
  /** Trace id; empty when the client gave none. */
  readonly operationID: string;
  readonly framing: Framing;
  /** The result of the handshake is wanted as first text frame instead of an HTTP answer. */
  readonly wantsReply: boolean;
}

const MIN_PLATFORM = 1;
const MAX_PLATFORM = 11;
/** Longest texts that are taken as ids; real ones are below 100 characters. */
const MAX_ID = 512;
const MAX_TOKEN = 4_096;

/** The spellings of booleans that the Go servers accept. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  TRUE: true,
  true: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  FALSE: false,
  false: false,
  False: false,
};

function refuse(detail: string): never {
  throw new ImError(ERR.ConnArgsErr, detail);
}

/** The parameters as texts, whichever of the two forms they came in; absent is empty. */
interface RawArgs {
  readonly token: string;
  readonly userID: string;
  readonly platformID: string;
  readonly operationID: string;
  readonly compression: string;
  readonly sdkType: string;
  readonly wantsReply: string;
}

function fromQuery(query: URLSearchParams): RawArgs {
  const text = (name: string) => query.get(name) ?? '';
  return {
    token: text('token'),
    userID: text('sendID'),
    platformID: text('platformID'),
    operationID: text('operationID'),
    compression: text('compression'),
    sdkType: text('sdkType'),
    wantsReply: text('isMsgResp'),
  };
}

/** The single parameter `v`: base64url of a JSON object. */
function fromPacked(packed: string): RawArgs {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(packed, 'base64url').toString('utf8'));
  } catch {
    refuse('v is not base64url of JSON');
  }
  if (value === null || typeof value !== 'object') refuse('v is not a JSON object');
  const fields = value as Readonly<Record<string, unknown>>;
  const text = (name: string): string => {
    const field = fields[name] ?? '';
    if (typeof field === 'object') refuse(`${name} has a wrong type`);
    return String(field);
  };
  return {
    token: text('token'),
    userID: text('userID'),
    platformID: text('platformID'),
    operationID: text('operationID'),
    compression: text('compression'),
    sdkType: text('sdkType'),
    wantsReply: text('sendResponse'),
  };
}

/** For what lives as long as the connection: a part of the URL would keep the whole URL in memory. */
function copied(text: string): string {
  return Buffer.from(text).toString();
}

function boolean(value: string, name: string): boolean {
  if (value === '') return false;
  return BOOLEANS[value] ?? refuse(`${name} is not a bool`);
}

/**
 * Reads and checks the parameters of a handshake. A missing operationID and any isBackground are
 * tolerated, as by servers in the field; the latter has no effect.
 * @param query the part of the URL behind `?`, values percent-encoded or raw.
 * @param compressionHeader the HTTP header `compression`, looked at when the parameter is absent.
 * @throws ImError 1602 whose detail names the parameter.
 */
export function parseHandshakeArgs(query: string, compressionHeader: string | undefined): HandshakeArgs {
  const params = new URLSearchParams(query);
  const packed = params.get('v') ?? '';
  const raw = packed === '' ? fromQuery(params) : fromPacked(packed);
  if (raw.platformID !== '' && !/^[+-]?\d{1,9}$/.test(raw.platformID)) refuse('platformID is not int');
  const wantsReply = boolean(raw.wantsReply, 'isMsgResp');
  if (raw.token === '') refuse('token is empty');
  if (raw.userID === '') refuse('sendID is empty');
  if (raw.token.length > MAX_TOKEN) refuse('token is too long');
  if (raw.userID.length > MAX_ID) refuse('sendID is too long');
  if (raw.operationID.length > MAX_ID) refuse('operationID is too long');
  const platformID = Number(raw.platformID);
  if (platformID < MIN_PLATFORM || platformID > MAX_PLATFORM) refuse('platformID must be 1 to 11');
  if (raw.sdkType !== '' && raw.sdkType !== 'go' && raw.sdkType !== 'js') refuse('sdkType must be go or js');
  const compression = raw.compression === '' ? compressionHeader : raw.compression;
  return {
    token: copied(raw.token),
    userID: copied(raw.userID),
    platformID,
    operationID: raw.operationID,
    framing: { encoding: raw.sdkType === 'js' ? 'json' : 'gob', gzip: compression === 'gzip' },
    wantsReply,
  };
}
