// Prints docs/reference/errors.md.
import { ERR, errorName } from '../src/errors.ts';

/** When a client may try again: `yes` unchanged, `no` only after something was changed, `login` with a new token. */
type Again = 'yes' | 'no' | 'login';

const MEANINGS: Readonly<Record<keyof typeof ERR, readonly [again: Again, meaning: string]>> = {
  ServerInternalError: [
    'yes',
    'An error without a more specific code; the server logs it with the operationID.',
  ],
  ArgsError: ['no', 'A field of the request is missing or invalid; errDlt names it.'],
  NoPermissionError: ['no', 'The caller may not do this, or not for this user.'],
  DuplicateKeyError: ['no', 'The object exists already.'],
  RecordNotFoundError: ['no', 'The requested object does not exist.'],
  UserIDNotFoundError: ['no', 'There is no such user.'],
  RegisteredAlreadyError: ['no', 'The user is registered already; none of the request was registered.'],
  GroupIDNotFoundError: ['no', 'There is no such group.'],
  GroupIDExisted: ['no', 'A group with this id exists.'],
  NotInGroupYetError: ['no', 'The user is not a member of the group.'],
  DismissedAlreadyError: ['no', 'The group was dismissed.'],
  GroupTypeNotSupport: ['no', 'Only groups of type 2 exist.'],
  GroupRequestHandled: ['no', 'The request to join was answered already.'],
  CanNotAddYourselfError: ['no', 'Users cannot add themselves as friends.'],
  BlockedByPeer: ['no', 'The receiver has the sender on the blacklist.'],
  NotPeersFriend: ['no', 'The tenant asks for friendship, and the receiver is no friend of the sender.'],
  RelationshipAlreadyError: ['no', 'They are friends already.'],
  FriendRequestHandled: ['no', 'The friend request was answered already.'],
  MessageHasReadDisable: ['no', 'Read receipts are switched off.'],
  MutedInGroup: ['no', 'The sender is muted in the group.'],
  MutedGroup: ['no', 'The whole group is muted.'],
  MsgAlreadyRevoke: ['no', 'The message was revoked already.'],
  TokenExpiredError: ['login', 'The token has expired.'],
  TokenInvalidError: ['login', 'The token is not of this user or platform.'],
  TokenMalformedError: ['login', 'The text is not a token.'],
  TokenNotValidYetError: ['login', 'The token is from the future: compare the clocks.'],
  TokenUnknownError: ['login', 'The token was signed with another key, such as that of another tenant.'],
  TokenKickedError: ['login', 'Another login replaced this one.'],
  TokenNotExistError: ['login', 'The token was ended, or was never issued by this server.'],
  UserBannedError: [
    'no',
    'The user is banned, or the account was deleted; errDlt says until when and why. Gateways answer 1506 with that text instead, as SDKs end a login only for 1501 to 1507.',
  ],
  ConnOverMaxNumLimit: [
    'yes',
    'The gateway takes no more connections now: it is full, draining, or dials come too fast.',
  ],
  ConnArgsErr: ['no', 'The handshake lacks a parameter or has a wrong one; errDlt names it.'],
  PushMsgErr: ['yes', 'A push provider did not accept an offline notification.'],
  IOSBackgroundPushErr: [
    'yes',
    'A push provider did not accept an offline notification for an iOS client in the background.',
  ],
  FileUploadedExpiredError: ['no', 'The upload was not completed in time; start a new one.'],
  RepeatSendCode: [
    'yes',
    'A verification code was sent to the address a moment ago; errDlt says when the next one may be.',
  ],
  MailSendCodeErr: [
    'yes',
    'A mail with a verification code was not sent, or may not have been; errDlt says which.',
  ],
  SmsSendCodeErr: [
    'yes',
    'An SMS with a verification code was not sent, or may not have been; errDlt says which.',
  ],
  CodeInvalidOrExpired: [
    'no',
    'The verification code is wrong, of another purpose or address, used, or too old; or there were too many attempts.',
  ],
  TooManyRequests: ['yes', 'The request rate of the tenant, the user or the process is exceeded.'],
  CallbackError: ['no', "The tenant's webhook refused, or did not answer."],
  DatabaseError: ['yes', 'The database refused an operation or failed.'],
  NetworkError: [
    'yes',
    'A store or another service did not answer in time. A send may have been accepted: repeat it under the same clientMsgID.',
  ],
  DataError: ['no', 'Stored data are inconsistent.'],
};

const AGAIN: Readonly<Record<Again, string>> = { yes: 'yes', no: 'no', login: 'after a new login' };

const lines = [
  '# Error codes',
  '',
  'HTTP answers carry `errCode`, `errMsg` (the fixed name of the code) and `errDlt` (free text for people); WebSocket',
  'answers carry the first two. Clients branch on the code alone. An answer of the HTTP API has status 200 even for an',
  'error, except 400 for a body that cannot be read on some routes, and 429. A route that is not built yet answers code',
  '500 with errMsg `NotImplemented`.',
  '',
  '"Again" says whether the same request may succeed later.',
  '',
  '| code | errMsg | again | meaning |',
  '|---|---|---|---|',
  ...Object.entries(ERR)
    .sort(([, a], [, b]) => a - b)
    .map(([name, code]) => {
      const [again, meaning] = MEANINGS[name as keyof typeof ERR];
      return `| ${code} | ${errorName(code) || '(empty)'} | ${AGAIN[again]} | ${meaning} |`;
    }),
];
process.stdout.write(`${lines.join('\n')}\n`);
