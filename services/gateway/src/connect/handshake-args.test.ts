import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHandshakeArgs } from './handshake-args.ts';

const QUERY = 'sendID=u1&token=t&platformID=5&operationID=op';

test('the forms that clients send', () => {
  const common = { token: 't', userID: 'u1', platformID: 5, operationID: 'op' };
  const gob = { encoding: 'gob', gzip: false };
  const cases: [string, string | undefined, object][] = [
    [QUERY, undefined, { ...common, framing: gob, wantsReply: false }],
    [
      `${QUERY}&isBackground=false&sdkVersion=v3&compression=gzip`,
      undefined,
      { ...common, framing: { ...gob, gzip: true }, wantsReply: false },
    ],
    [
      `${QUERY}&isMsgResp=true&sdkType=js`,
      undefined,
      { ...common, framing: { encoding: 'json', gzip: false }, wantsReply: true },
    ],
    [
      `${QUERY}&sdkType=go&isMsgResp=F`,
      'gzip',
      { ...common, framing: { ...gob, gzip: true }, wantsReply: false },
    ],
    [`${QUERY}&compression=deflate`, 'gzip', { ...common, framing: gob, wantsReply: false }],
    [QUERY, 'GZIP', { ...common, framing: gob, wantsReply: false }],
  ];
  for (const [query, header, wanted] of cases)
    assert.deepEqual(parseHandshakeArgs(query, header), wanted, query);
});

test('what is missing or wrong is named', () => {
  const cases: [string, RegExp][] = [
    ['', /token is empty/],
    ['token=t', /sendID is empty/],
    ['token=t&sendID=u', /platformID must be/],
    ['token=t&sendID=u&platformID=0', /platformID must be/],
    ['token=t&sendID=u&platformID=12', /platformID must be/],
    ['token=t&sendID=u&platformID=5.5', /platformID is not int/],
    ['platformID=five', /platformID is not int/],
    ['isMsgResp=maybe', /isMsgResp is not a bool/],
    [`${QUERY}&sdkType=go2`, /sdkType/],
    [`token=${'t'.repeat(5_000)}&sendID=u&platformID=5`, /token is too long/],
    [`v=${Buffer.from('[1').toString('base64url')}`, /v is not/],
    [`v=${Buffer.from('null').toString('base64url')}`, /v is not a JSON object/],
    [`v=${Buffer.from('{"token":{}}').toString('base64url')}`, /token has a wrong type/],
    [`v=${Buffer.from('{"token":"t","userID":"u"}').toString('base64url')}`, /platformID/],
  ];
  for (const [query, detail] of cases) {
    assert.throws(
      () => parseHandshakeArgs(query, undefined),
      (error: { code: number; detail: string }) => {
        assert.equal(error.code, 1602, query);
        assert.match(error.detail, detail, query);
        return true;
      },
    );
  }
});
