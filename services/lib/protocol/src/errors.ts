/**
 * The error codes of the OpenIM API. `errMsg` on the wire is the fixed name of the code;
 * clients branch on the code alone. What each means: docs/reference/errors.md.
 */
export const ERR = {
  ServerInternalError: 500,
  ArgsError: 1001,
  NoPermissionError: 1002,
  DuplicateKeyError: 1003,
  RecordNotFoundError: 1004,
  UserIDNotFoundError: 1101,
  RegisteredAlreadyError: 1102,
  GroupIDNotFoundError: 1201,
  GroupIDExisted: 1202,
  NotInGroupYetError: 1203,
  DismissedAlreadyError: 1204,
  GroupTypeNotSupport: 1205,
  GroupRequestHandled: 1206,
  CanNotAddYourselfError: 1301,
  BlockedByPeer: 1302,
  NotPeersFriend: 1303,
  RelationshipAlreadyError: 1304,
  FriendRequestHandled: 1305,
  MessageHasReadDisable: 1401,
  MutedInGroup: 1402,
  MutedGroup: 1403,
  MsgAlreadyRevoke: 1404,
  TokenExpiredError: 1501,
  TokenInvalidError: 1502,
  TokenMalformedError: 1503,
  TokenNotValidYetError: 1504,
  TokenUnknownError: 1505,
  TokenKickedError: 1506,
  TokenNotExistError: 1507,
  /** Not one of OpenIM's. On WebSockets 1506 is sent instead, at which SDKs log out. */
  UserBannedError: 1508,
  ConnOverMaxNumLimit: 1601,
  ConnArgsErr: 1602,
  PushMsgErr: 1603,
  IOSBackgroundPushErr: 1604,
  FileUploadedExpiredError: 1701,
  RepeatSendCode: 10006,
  MailSendCodeErr: 10007,
  SmsSendCodeErr: 10008,
  CodeInvalidOrExpired: 10009,
  TooManyRequests: 429,
  CallbackError: 80000,
  DatabaseError: 90002,
  /** Retryable: a backend or peer did not answer in time. */
  NetworkError: 90004,
  DataError: 90007,
} as const;

/** A code of the catalogue. */
export type ErrorCode = (typeof ERR)[keyof typeof ERR];

const NAMES = new Map<number, string>(Object.entries(ERR).map(([name, code]) => [code, name]));
NAMES.set(ERR.GroupTypeNotSupport, '');
NAMES.set(ERR.ConnArgsErr, 'args err, need token, sendID, platformID');
NAMES.set(ERR.PushMsgErr, 'push msg err');
NAMES.set(ERR.IOSBackgroundPushErr, 'ios background push err');

/** The fixed `errMsg` of a code; of an unknown code, that of 500. */
export function errorName(code: number): string {
  return NAMES.get(code) ?? 'ServerInternalError';
}

/**
 * An error that a client may see: `code` and its fixed name travel as errCode and errMsg,
 * `detail` as errDlt. `name` overrides the fixed text where the wire demands another one (webhooks).
 */
export class ImError extends Error {
  readonly code: number;
  readonly detail: string;
  readonly errMsg: string;

  constructor(code: number, detail = '', errMsg = errorName(code), options?: ErrorOptions) {
    super(detail === '' ? `${code} ${errMsg}` : `${code} ${errMsg}: ${detail}`, options);
    this.name = 'ImError';
    this.code = code;
    this.detail = detail;
    this.errMsg = errMsg;
  }
}

/** Any thrown value as an ImError; what carries no code becomes 500 with its message as detail. */
export function toImError(error: unknown): ImError {
  if (error instanceof ImError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ImError(ERR.ServerInternalError, detail, undefined, { cause: error });
}

/** 1001 with a text that names the field. */
export function argsError(detail: string): ImError {
  return new ImError(ERR.ArgsError, detail);
}
