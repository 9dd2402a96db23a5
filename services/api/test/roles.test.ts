import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { ADMIN_BASE, createBackendToken, OPERATIONS } from '@im/admin-api';
import { BACKEND_ROLES, type RouteAccess, roleMay } from '@im/contract';
import { ERR } from '@im/protocol';
import { ROUTES } from '../src/routes/index.ts';
import { startApi } from './harness.ts';

const ACCESS: readonly RouteAccess[] = ['open', 'read', 'issue', 'write', 'grant'];
const REFUSED = /a token with the role \w+ may not do this/;

test('every route and operation says what it is for; tokens and rights are given by few', () => {
  const all = [
    ...ROUTES.map(({ path, access }) => [path, access]),
    ...OPERATIONS.map(({ id, access }) => [id, access]),
  ];
  for (const [name, access] of all)
    assert.ok(
      ACCESS.some((known) => known === access),
      `${name}: ${access}`,
    );
  const named = (wanted: RouteAccess) => all.filter(([, access]) => access === wanted).map(([name]) => name);
  assert.deepEqual(named('issue'), ['/auth/get_user_token']);
  assert.deepEqual(named('grant').sort(), [
    'createBackendToken',
    'createConsoleLogin',
    'endConsoleSession',
    'revokeBackendToken',
  ]);
  assert.deepEqual(named('open').sort(), [
    '/auth/get_admin_token',
    '/auth/parse_token',
    'getOwnSession',
    'openConsoleSession',
    'openSecretSession',
  ]);
});

test('administrators may choose each role that there is', () => {
  assert.deepEqual(createBackendToken.body.shape.role.options, BACKEND_ROLES);
});

test('an operation that reads changes nothing, and is no other method than GET', () => {
  for (const { id, method, access } of OPERATIONS)
    if (access !== 'open') assert.equal(access === 'read', method === 'GET', id);
});

test('each role passes on its routes, and is refused on every other before the body is read', async () => {
  await using api = await startApi({ config: { api: { requestTimeoutMs: 20_000 } } });
  for (const role of BACKEND_ROLES)
    for (const { path, access } of ROUTES) {
      const { json } = await api.post(path, {}, { token: `role-${role}` });
      const refused = json.errCode === ERR.NoPermissionError && REFUSED.test(json.errDlt);
      assert.equal(refused, !roleMay(role, access), `${role} ${path} (${access}): ${json.errDlt}`);
    }
  const { length } = api.calls;
  await api.post('/msg/send_msg', 'no JSON', { token: 'role-read' });
  assert.equal(api.calls.length, length, 'nothing was called');
});

test('so it is with operations of administrators', async () => {
  await using api = await startApi();
  for (const role of [...BACKEND_ROLES, 'later'])
    for (const { method, path, access } of OPERATIONS) {
      // No token is looked at.
      if (access === 'open') continue;
      const url = ADMIN_BASE + path.replace(/\{\w+\}/g, '1');
      const headers = { token: `role-${role}` };
      // Live figures go on for a minute.
      const response = await api.app.inject({ method, url, headers, payloadAsStream: true });
      const body = response.statusCode === 200 ? '' : await text(response.stream());
      if (body === '') response.stream().destroy();
      const refused = response.statusCode === 403 && REFUSED.test(body);
      assert.equal(refused, !roleMay(role, access), `${role} ${method} ${url}: ${body.slice(0, 200)}`);
    }
});
