import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BACKEND_ROLES, type RouteAccess, roleMay } from './backend-roles.ts';

const ALL: readonly RouteAccess[] = ['open', 'read', 'issue', 'write', 'grant'];

test('each role may do its part, and nothing else', () => {
  const may = (role: string | undefined) => ALL.filter((access) => roleMay(role, access));
  assert.deepEqual(BACKEND_ROLES.map(may), [
    ['open', 'issue'],
    ['open', 'read'],
    ['open', 'read', 'issue', 'write'],
  ]);
  assert.deepEqual(may(undefined), ALL);
  assert.deepEqual(may('owner'), [], 'a role of a later version may nothing');
});
