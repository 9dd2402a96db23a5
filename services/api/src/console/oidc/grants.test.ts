import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerConfig } from '@im/contract';
import { grantsOf, isOverage, nameOf, wantedClaims } from './grants.ts';

function providerOf(rules: readonly object[], more: object = {}) {
  const provider = { name: 'idp', issuer: 'https://idp.example', clientID: 'c', rules, ...more };
  const config = ServerConfig.parse({
    api: { console: { publicURL: 'https://im.example', oidc: [provider] } },
  });
  const [parsed] = config.api.console.oidc;
  assert.ok(parsed);
  return parsed;
}

const { rules } = providerOf([
  { values: ['ops'], role: 'admin', tenants: ['*'] },
  { values: ['help', 'desk'], role: 'support', tenants: ['one', 'two'] },
  { values: ['mods'], role: 'moderator', tenants: ['two'], tenantsClaim: 'im_tenants' },
]);

test('rules give the highest role by tenant, and nothing to those whom none names', () => {
  assert.deepEqual(grantsOf({ groups: ['ops'] }, rules), [{ tenant: '*', role: 'admin' }]);
  assert.deepEqual(grantsOf({ groups: ['desk', 'mods'] }, rules), [
    { tenant: 'one', role: 'support' },
    { tenant: 'two', role: 'moderator' },
  ]);
  assert.deepEqual(grantsOf({ groups: 'help' }, rules).length, 2, 'a claim may be one text');
  for (const claims of [
    {},
    { groups: [] },
    { groups: ['OPS', 'opsx'] },
    { groups: { ops: true } },
    { groups: [['ops']] },
  ])
    assert.deepEqual(grantsOf(claims, rules), []);
  assert.deepEqual(grantsOf({ roles: ['ops'] }, rules), []);
});

test('a claim may name tenants, but not all of them, and no more than 100', () => {
  const claims = { groups: ['mods'], im_tenants: ['three', '*', '../x', 7, 'Three'] };
  assert.deepEqual(
    grantsOf(claims, rules).map(({ tenant }) => tenant),
    ['two', 'three'],
  );
  const many = Array.from({ length: 5_000 }, (_, i) => `t${i}`);
  assert.equal(grantsOf({ groups: ['mods'], im_tenants: many }, rules).length, 100);
});

test('names say which provider named them, and cannot be those of login links', () => {
  const provider = providerOf([{ values: ['x'], role: 'viewer', tenants: ['*'] }]);
  assert.equal(nameOf({ preferred_username: 'ann' }, provider, 's'), 'idp:ann');
  assert.equal(nameOf({ preferred_username: 'a\u0000n\u202en ' }, provider, 's'), 'idp:ann');
  assert.equal(nameOf({ preferred_username: ['x'.repeat(500)] }, provider, 's').length, 68);
  assert.equal(nameOf({ preferred_username: 7 }, provider, 'subject'), 'idp:subject');
});

test('groups that a provider left out for their number are noticed', () => {
  assert.equal(isOverage({ _claim_names: { groups: 'src1' } }, rules), true);
  assert.equal(isOverage({ groups: ['ops'] }, rules), false);
  assert.deepEqual(wantedClaims(providerOf([{ values: ['x'], role: 'viewer', tenantsClaim: 't' }])), [
    'preferred_username',
    'groups',
    't',
  ]);
});

test('settings that would let in the wrong people are refused', () => {
  const good = { values: ['x'], role: 'viewer', tenants: ['one'] };
  const refuses = (what: () => unknown, field: RegExp) => assert.throws(what, field);
  refuses(() => providerOf([]), /rules/);
  refuses(() => providerOf([{ ...good, values: [] }]), /values/);
  refuses(() => providerOf([{ ...good, tenants: [] }]), /must name a tenant/);
  refuses(() => providerOf([{ ...good, tenants: ['No'] }]), /must be the id of a tenant/);
  refuses(() => providerOf([good], { issuer: 'http://idp.example' }), /must be an https URL/);
  refuses(() => providerOf([good], { scopes: ['profile'] }), /scope openid/);
  const twice = { name: 'idp', issuer: 'https://idp.example', clientID: 'c', rules: [good] };
  const parse = (given: object) => ServerConfig.parse({ api: { console: given } });
  refuses(
    () => parse({ publicURL: 'https://im.example', oidc: [twice, twice] }),
    /two providers of one name/,
  );
  refuses(() => parse({ oidc: [twice] }), /publicURL/);
});
