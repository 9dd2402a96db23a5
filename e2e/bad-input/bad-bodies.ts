import type { Random } from './random.ts';

/** One HTTP request that must be refused. */
export interface BadBody {
  readonly kind: string;
  readonly route: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Error codes that may answer it; empty means any answer that is an envelope. */
  readonly codes: readonly number[];
  /** HTTP statuses that may carry the answer. */
  readonly statuses: readonly number[];
}

/** Who the requests come from. */
export interface Senders {
  readonly userID: string;
  readonly token: string;
  readonly adminToken: string;
  /** A valid token of the same user of another tenant. */
  readonly foreignToken: string;
}

const ARGS = 1001;
const NO_PERMISSION = 1002;
const TOKEN_CODES = [1501, 1502, 1503, 1504, 1505, 1507];
/** Routes that answer bodies which do not parse with status 400; all others with 200. */
const BIND_ROUTES = new Set(['/msg/send_msg', '/msg/batch_send_msg', '/msg/send_business_notification']);

/** Requests that are valid for the user, to be broken; all of them have an object body. */
function valid(random: Random, { userID }: Senders): { route: string; body: Record<string, unknown> } {
  return random.pick([
    { route: '/user/get_users_info', body: { userIDs: [userID] } },
    { route: '/friend/get_incremental_friends', body: { userID, version: 0, versionID: '' } },
    { route: '/friend/add_friend', body: { fromUserID: userID, toUserID: 'bad_peer', reqMsg: 'x', ex: '' } },
    { route: '/group/get_groups_info', body: { groupIDs: ['g1'] } },
    {
      route: '/group/create_group',
      body: { memberUserIDs: ['bad_peer'], groupInfo: { groupName: 'g', groupType: 2 } },
    },
    { route: '/conversation/get_incremental_conversations', body: { userID, version: 0, versionID: '' } },
    {
      route: '/conversation/set_conversations',
      body: { userIDs: [userID], conversation: { conversationID: 'c' } },
    },
    { route: '/msg/newest_seq', body: { userID } },
    {
      route: '/msg/mark_conversation_as_read',
      body: { conversationID: 'si_a_b', userID, hasReadSeq: 1, seqs: [1] },
    },
    { route: '/msg/revoke_msg', body: { conversationID: 'si_a_b', seq: 1, userID } },
    {
      route: '/msg/send_msg',
      body: {
        sendID: userID,
        recvID: 'bad_peer',
        content: { content: 'x' },
        contentType: 101,
        sessionType: 1,
      },
    },
    { route: '/auth/parse_token', body: { token: 'x' } },
  ]);
}

type Maker = (random: Random, senders: Senders) => Omit<BadBody, 'kind'>;

const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const headers = (token: string) => ({ 'content-type': 'application/json', operationID: 'bad-body', token });
const unparsable = (route: string) => ({
  codes: [ARGS],
  statuses: BIND_ROUTES.has(route) ? [400] : [200],
});

const MAKERS: Readonly<Record<string, Maker>> = {
  'cut off': (random, senders) => {
    const { route, body } = valid(random, senders);
    const whole = json(body);
    return {
      route,
      headers: headers(senders.adminToken),
      body: whole.subarray(0, 1 + random.below(whole.length - 1)),
      ...unparsable(route),
    };
  },
  'no JSON': (random, senders) => {
    const { route } = valid(random, senders);
    const body = random.pick([
      Buffer.from('hello'),
      Buffer.from('{'),
      Buffer.from('{"a":}'),
      random.bytes(50),
    ]);
    return { route, headers: headers(senders.adminToken), body, ...unparsable(route) };
  },
  'not an object': (random, senders) => {
    const { route } = valid(random, senders);
    const body = Buffer.from(random.pick(['[]', '12', '"text"', 'true', '[{}]']));
    return { route, headers: headers(senders.adminToken), body, ...unparsable(route) };
  },
  'wrong type of a field': (random, senders) => {
    const { route, body } = valid(random, senders);
    const keys = Object.keys(body).filter((key) => !(route === '/msg/send_msg' && key === 'content'));
    const key = random.pick(keys);
    const value = body[key];
    const wrong: unknown =
      typeof value === 'string'
        ? random.pick<unknown>([7, [], {}, true])
        : typeof value === 'number'
          ? 'seven'
          : 'text';
    return {
      route,
      headers: headers(senders.adminToken),
      body: json({ ...body, [key]: wrong }),
      ...unparsable(route),
    };
  },
  'number out of range': (random, senders) => ({
    route: '/msg/revoke_msg',
    headers: headers(senders.adminToken),
    body: Buffer.from(
      `{"conversationID":"si_a_b","userID":"${senders.userID}","seq":${random.pick(['1e400', '99999999999999999999', '1.5', '-1e30'])}}`,
    ),
    codes: [ARGS],
    statuses: [200],
  }),
  'nothing that is needed': (random, senders) => ({
    route: random.pick([
      '/user/get_users_info',
      '/friend/add_friend',
      '/group/get_groups_info',
      '/msg/revoke_msg',
      '/msg/mark_conversation_as_read',
      '/user/user_register',
      '/auth/parse_token',
    ]),
    headers: headers(senders.adminToken),
    body: Buffer.from('{}'),
    codes: [ARGS],
    statuses: [200],
  }),
  'deep nesting': (random, senders) => {
    const { route } = valid(random, senders);
    const depth = 1_000 + random.below(100_000);
    const body = Buffer.from(`{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`);
    // Some are larger than the body of their route may be.
    return { route, headers: headers(senders.adminToken), body, codes: [], statuses: [200, 400, 413] };
  },
  'flipped bits': (random, senders) => {
    const { route, body } = valid(random, senders);
    const bytes = json(body);
    for (let n = 1 + random.below(5); n > 0; n--) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    }
    return { route, headers: headers(senders.token), body: bytes, codes: [], statuses: [200, 400] };
  },
  'no operationID': (random, senders) => {
    const { route, body } = valid(random, senders);
    return {
      route,
      headers: { 'content-type': 'application/json', token: senders.token },
      body: json(body),
      codes: [ARGS],
      statuses: [200],
    };
  },
  'no token': (random) => ({
    route: '/user/get_users_info',
    headers: { 'content-type': 'application/json', operationID: 'bad-body' },
    body: json({ userIDs: [random.pick(['a', 'b'])] }),
    codes: [ARGS],
    statuses: [200],
  }),
  'wrong token': (random, senders) => {
    const { route, body } = valid(random, senders);
    const parts = senders.token.split('.');
    const token = random.pick([
      'nonsense',
      '..',
      `${parts[0]}.${parts[1]}.${'A'.repeat(43)}`,
      `${parts[0]}.${Buffer.from('{"UserID":"imAdmin","PlatformID":10}').toString('base64url')}.${parts[2]}`,
      `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${parts[1]}.`,
      senders.foreignToken,
      'x'.repeat(4_000),
    ]);
    const asUser = route === '/auth/parse_token' ? '/user/get_users_info' : route;
    return { route: asUser, headers: headers(token), body: json(body), codes: TOKEN_CODES, statuses: [200] };
  },
  'not allowed': (random, senders) => ({
    ...random.pick([
      { route: '/user/user_register', body: json({ users: [{ userID: 'new_one', nickname: 'n' }] }) },
      { route: '/auth/force_logout', body: json({ userID: 'bad_peer', platformID: 5 }) },
      {
        route: '/friend/get_friend_list',
        body: json({ userID: 'bad_peer', pagination: { pageNumber: 1, showNumber: 10 } }),
      },
      { route: '/msg/newest_seq', body: json({ userID: 'bad_peer' }) },
    ]),
    headers: headers(senders.token),
    codes: [NO_PERMISSION],
    statuses: [200],
  }),
  'too large': (random, senders) => ({
    route: valid(random, senders).route,
    headers: headers(senders.token),
    body: TOO_LARGE,
    codes: [ARGS],
    statuses: [200, 400, 413],
  }),
  'protobuf that is none': (random, senders) => ({
    route: random.pick(['/jssdk/get_active_conversations', '/jssdk/get_conversations']),
    headers: { ...headers(senders.token), 'content-type': 'application/x-protobuf' },
    body: Buffer.concat([Buffer.from([0x0f]), random.bytes(1 + random.below(100))]),
    codes: [ARGS, 500],
    statuses: [200, 400],
  }),
  'unknown route': (random, senders) => ({
    route: random.pick(['/nothing/here', '/user/', '/msg/send_msg/x', '/%00', '/user/../../etc/passwd']),
    headers: headers(senders.token),
    body: json({}),
    codes: [],
    statuses: [200, 400, 404],
  }),
};

export const BAD_BODY_KINDS: readonly string[] = Object.keys(MAKERS);

/** One bad request of a random kind. */
export function badBody(random: Random, senders: Senders): BadBody {
  // The largest ones are few: they would make the test slow, and one is like the other.
  const picked = random.pick(BAD_BODY_KINDS);
  const kind = picked === 'too large' && random.below(20) > 0 ? 'cut off' : picked;
  const made = MAKERS[kind]?.(random, senders);
  if (!made) throw new RangeError(kind);
  return { kind, ...made };
}

/** Above the limit of the API's bodies. */
const TOO_LARGE = Buffer.from(`{"x":"${'y'.repeat(9 * 1024 * 1024)}"}`);
