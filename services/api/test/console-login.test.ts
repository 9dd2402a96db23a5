import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ServerConfigInput } from '@im/contract';
import { make } from '@im/protocol';
import { type Harness, startApi } from './harness.ts';
import { type Answers, CLIENT, type LyingProvider, startLyingProvider } from './identity-provider.ts';

type Rules = NonNullable<
  NonNullable<NonNullable<ServerConfigInput['api']>['console']>['oidc']
>[number]['rules'];

const PUBLIC = 'http://127.0.0.1:9';
const SECONDS = 1_000;

describe('logins to the console by OpenID Connect', () => {
  let provider: LyingProvider;
  let api: Harness;
  let nonce = '';

  before(async () => {
    provider = await startLyingProvider(() => nonce);
    const rules: Rules = [
      { values: ['ops'], role: 'admin', tenants: ['*'] },
      { values: ['help'], role: 'support', tenants: ['t2'] },
    ];
    const idp = { issuer: provider.issuer, clientID: CLIENT.id, clientSecret: CLIENT.secret, rules };
    const oidc = [
      { name: 'idp', ...idp },
      { name: 'other', ...idp },
      { name: 'gone', ...idp, issuer: 'http://localhost:9' },
    ];
    api = await startApi({
      config: {
        api: { console: { publicURL: PUBLIC, oidc } },
        attempts: { logins: { burst: 1_000 } },
      },
    });
    api.stub('auth.grantConsoleSession', () =>
      make('auth.GrantConsoleSessionResp', {
        key: 'k'.repeat(43),
        session: make('auth.ConsoleSession', { expireTime: Date.now() + 3_600_000 }),
      }),
    );
  });
  after(async () => {
    await api?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
  });
  beforeEach(() => provider.answer({}));

  const get = (url: string, headers: Record<string, string> = {}) => api.app.inject({ url, headers });
  const cookiesOf = (response: Awaited<ReturnType<typeof get>>) =>
    [response.headers['set-cookie'] ?? []].flat();
  const pairOf = (cookie = '') => cookie.split(';')[0] ?? '';

  /** Begins a login: what the provider was asked, and what the browser keeps. */
  async function begin(name = 'idp') {
    const response = await get(`/console/_login/${name}`);
    const url = new URL(String(response.headers.location));
    nonce = url.searchParams.get('nonce') ?? '';
    return { url, cookie: pairOf(cookiesOf(response)[0]), state: url.searchParams.get('state') ?? '' };
  }
  interface Back {
    readonly query?: Record<string, string>;
    readonly cookie?: string;
    readonly name?: string;
  }
  /** Comes back from the provider. @returns how it ended, and whether a session was opened. */
  async function comeBack(begun: Awaited<ReturnType<typeof begin>>, back: Back = {}) {
    const query = { code: 'c', state: begun.state, iss: provider.issuer, ...back.query };
    const url = `/console/_login/${back.name ?? 'idp'}/back?${new URLSearchParams(query)}`;
    const response = await get(url, { cookie: back.cookie ?? begun.cookie, 'sec-fetch-site': 'cross-site' });
    const session = cookiesOf(response).some((cookie) => cookie.startsWith('__Host-im_console=k'));
    const [, failure = ''] = /#login-failed=(\w+)$/.exec(String(response.headers.location)) ?? [];
    assert.equal(session, failure === '', 'a session is opened only when nothing failed');
    assert.ok(cookiesOf(response).some((cookie) => /^__Host-im_console_login=;.*Max-Age=0/.test(cookie)));
    return { failure, response };
  }
  const failureWith = async (answers: Answers) => {
    provider.answer(answers);
    return (await comeBack(await begin())).failure;
  };
  const granted = () => api.calls.filter(({ target }) => target === 'auth.grantConsoleSession');

  test('the way there asks for a code with PKCE, state and nonce, and the browser keeps a cookie that scripts do not see', async () => {
    const { url, cookie } = await begin();
    assert.equal(url.origin, provider.issuer);
    const { searchParams: asked } = url;
    assert.equal(asked.get('response_type'), 'code');
    assert.equal(asked.get('code_challenge_method'), 'S256');
    assert.equal(asked.get('redirect_uri'), `${PUBLIC}/console/_login/idp/back`);
    for (const name of ['state', 'nonce', 'code_challenge'])
      assert.ok((asked.get(name)?.length ?? 0) >= 43, name);
    const [whole = ''] = cookiesOf(await get('/console/_login/idp'));
    assert.match(
      whole,
      /^__Host-im_console_login=[\w-]+; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/,
    );
    assert.ok(!cookie.includes(asked.get('nonce') ?? '?'));
  });

  test('the way back opens a session with the rights of the rules, and leads to the console', async () => {
    const before = granted().length;
    const { failure, response } = await comeBack(await begin());
    assert.equal(failure, '');
    assert.equal(response.headers.location, `${PUBLIC}/console/`);
    assert.ok(cookiesOf(response).some((cookie) => /^__Host-im_console=k.*SameSite=Strict$/.test(cookie)));
    const [call] = granted().slice(before);
    assert.partialDeepStrictEqual(call?.request, {
      ...{ name: 'idp:ann', provider: 'idp', subject: 's-1' },
      grants: [{ tenant: '*', role: 'admin' }],
    });
    assert.equal(call?.ctx.opAdmin, true);
    assert.match(provider.asked.at(-1)?.get('code_verifier') ?? '', /^[\w-]{43}$/);
  });

  test('forged, expired and foreign tokens are refused', async () => {
    const now = Math.floor(Date.now() / SECONDS);
    const refused: readonly Answers[] = [
      { signedBy: 'unknown' },
      { signedBy: 'nobody' },
      { signedBy: 'secret' },
      { claims: { nonce: 'another' } },
      { claims: { nonce: undefined } },
      { claims: { aud: 'another client' } },
      { claims: { aud: [CLIENT.id, 'another'], azp: 'another' } },
      { claims: { iss: 'http://localhost:1' } },
      { claims: { exp: now - 120 } },
      { claims: { exp: undefined } },
      { claims: { iat: undefined } },
      { claims: { sub: undefined } },
      { claims: { nbf: now + 300 } },
    ];
    for (const answers of refused)
      assert.equal(await failureWith(answers), 'invalid', JSON.stringify(answers));
    const skewed = { exp: now - 10, iat: now + 10 };
    assert.equal(await failureWith({ claims: skewed }), '', 'clocks may differ by seconds');
  });

  test('who began no login in this browser is refused, and nothing is asked of the provider', async () => {
    const asked = provider.asked.length;
    const begun = await begin();
    const other = await begin();
    for (const back of [
      { cookie: '' },
      { cookie: '__Host-im_console_login=' },
      { cookie: `__Host-im_console_login=${'A'.repeat(300)}` },
      { cookie: `${begun.cookie}; ${begun.cookie}` },
      { name: 'other' },
    ])
      assert.equal((await comeBack(begun, back)).failure, 'expired', JSON.stringify(back));
    const changed: Record<string, string>[] = [
      { state: other.state },
      { state: '' },
      { iss: 'http://localhost:1' },
    ];
    for (const query of changed)
      assert.equal((await comeBack(begun, { query })).failure, 'invalid', JSON.stringify(query));
    assert.equal(provider.asked.length, asked);
  });

  test('a code that was used, a refusal and a provider that is silent or floods are told apart', async () => {
    assert.equal(await failureWith({ status: 400 }), 'invalid');
    assert.equal(await failureWith({ huge: true }), 'invalid');
    const { failure } = await comeBack(await begin(), { query: { error: 'access_denied' } });
    assert.equal(failure, 'denied');
    const gone = await get('/console/_login/gone');
    assert.equal(gone.headers.location, `${PUBLIC}/console/#login-failed=unavailable`);
    assert.equal((await get('/console/_login/unknown')).statusCode, 404);
    assert.equal((await get('/console/_login/unknown/back?code=c')).statusCode, 404);
  });

  test('those whom no rule names get nothing, also when the provider left the groups out', async () => {
    const before = granted().length;
    assert.equal(await failureWith({ claims: { groups: ['guests'] } }), 'noRole');
    assert.equal(await failureWith({ claims: { groups: undefined } }), 'noRole');
    const overage = { groups: undefined, _claim_names: { groups: 'src1' } };
    assert.equal(await failureWith({ claims: overage }), 'overage');
    assert.equal(granted().length, before);
    assert.equal(await failureWith({ claims: { groups: ['help'] } }), '');
    assert.partialDeepStrictEqual(granted().at(-1)?.request, { grants: [{ tenant: 't2', role: 'support' }] });
  });

  test('a page of another site cannot begin a login', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const response = await get('/console/_login/idp', { 'sec-fetch-site': site });
      assert.equal(response.headers.location, `${PUBLIC}/console/`);
      assert.deepEqual(cookiesOf(response), []);
    }
  });
});
