import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantSettings } from '@im/contract';
import { staticTenants } from '@im/kit';
import { createMetrics } from '@im/process';
import { ERR, type ErrorCode, ImError, make } from '@im/protocol';
import type { AuthDeps } from '../deps.ts';
import type { Tokens } from '../tokens/tokens.ts';
import { tokenMethods } from './tokens.ts';

const ctx = {
  tenant: tenantSettings({ id: 'default', tokenSecret: 's', adminSecret: 's' }).id,
  operationID: 'op',
  deadline: Date.now() + 60_000,
  opUserID: '',
  opPlatformID: 0,
  opAdmin: false,
  connID: '',
};

/** Auth over tokens that are all refused with this code. */
function refusing(code: ErrorCode) {
  let asked = 0;
  const tokens: Pick<Tokens, 'verify'> = {
    async verify() {
      asked++;
      throw new ImError(code);
    },
  };
  const auth = tokenMethods(
    {
      tenants: staticTenants([tenantSettings({ id: 'default', tokenSecret: 's', adminSecret: 's' })]),
      tokens: tokens as Tokens,
      metrics: createMetrics(),
    } as Partial<AuthDeps> as AuthDeps,
    async () => {},
  );
  const parse = (token: string) => auth.parseToken(ctx, make('auth.ParseTokenReq', { token }));
  return { parse, asked: () => asked };
}

test('a refused token is looked up once, however often it is shown', async () => {
  const { parse, asked } = refusing(ERR.TokenNotExistError);
  for (const token of ['a', 'a', 'a', 'b']) {
    await assert.rejects(parse(token), (error: unknown) => error instanceof ImError && error.code === 1507);
  }
  assert.equal(asked(), 2);
});

test('an answer that no store could give is not remembered', async () => {
  const { parse, asked } = refusing(ERR.NetworkError);
  for (let i = 0; i < 3; i++) await assert.rejects(parse('a'));
  assert.equal(asked(), 3);
});
