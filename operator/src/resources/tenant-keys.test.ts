import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyID } from '@im/contract';
import type { OpenIMTenantKeys } from '../gen/openimtenant.ts';
import { type KeyPlan, planKeys, rotationKeys, secondKeySettings } from './tenant-keys.ts';

const NOW = new Date('2030-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const after = (hours: number) => new Date(NOW.getTime() + hours * HOUR_MS);
const NAMES = rotationKeys('acme');
const GENERATED = { 'acme.token-secret': 'one', 'acme.admin-secret': 'a' };

/** A tenant whose Secret keeps what plans change. */
class Tenant {
  secrets: Record<string, string> = { ...GENERATED };
  #made = 0;

  /** @param loaded whether all processes have the keys as they are. */
  plan(spec: OpenIMTenantKeys | undefined, loaded: boolean, now = NOW, level = 1): KeyPlan {
    const { secrets } = this;
    const entry = {
      tokenSecret: secrets['acme.token-secret'],
      adminSecret: secrets['acme.admin-secret'],
      secondTokenSecret: secrets[NAMES.signing],
      secondAdminSecret: secrets[NAMES.admin],
    };
    const plan = planKeys({
      ...{ id: 'acme', spec, secrets, level, now },
      inForce: () => (loaded ? entry : undefined),
      make: () => `made ${++this.#made}`,
    });
    const changed = Object.entries({ ...secrets, ...plan.changes });
    this.secrets = Object.fromEntries(changed.filter((each): each is [string, string] => each[1] !== null));
    return plan;
  }

  get signing(): (string | undefined)[] {
    return [this.secrets['acme.token-secret'], this.secrets[NAMES.signing]];
  }
}

const rotate = (rotation: string, more: Partial<OpenIMTenantKeys> = {}): OpenIMTenantKeys => ({
  ...more,
  signing: { rotation, overlapHours: 2 },
});

test('a new key passes everywhere before it is used, and the former one until its end', () => {
  const acme = new Tenant();
  assert.equal(acme.plan(rotate('x'), false).pending?.reason, 'LoadingKey');
  assert.deepEqual(acme.signing, ['one', 'made 1']);
  const config = secondKeySettings('acme', acme.secrets, 1);
  assert.deepEqual(Object.keys(config), ['secondTokenSecret'], 'without an end');
  assert.equal(acme.plan(rotate('x'), false).pending?.reason, 'LoadingKey', 'not everywhere yet');
  assert.deepEqual(acme.signing, ['one', 'made 1']);
  const { keys, pending } = acme.plan(rotate('x'), true);
  assert.deepEqual(acme.signing, ['made 1', 'one']);
  assert.equal(pending, undefined);
  assert.deepEqual(
    keys.map(({ purpose, id, state, until }) => [purpose, id, state, until]),
    [
      ['Signing', keyID('made 1'), 'Current', undefined],
      ['Signing', keyID('one'), 'Former', after(2).toISOString()],
      ['Admin', keyID('a'), 'Current', undefined],
    ],
  );
  assert.equal(secondKeySettings('acme', acme.secrets, 1).secondTokenSecretUntil, after(2).toISOString());
  assert.deepEqual(acme.plan(rotate('x'), true, after(9)).changes, {}, 'nothing more is done');
});

test('a third key waits for the end of the former one, which a revocation brings about', () => {
  const acme = new Tenant();
  for (const loaded of [false, true]) acme.plan(rotate('x'), loaded);
  assert.equal(acme.plan(rotate('y'), true).pending?.reason, 'OverlapRunning');
  assert.deepEqual(acme.signing, ['made 1', 'one']);
  const revoked = rotate('y', { revoked: [keyID('one')] });
  const { keys } = acme.plan(revoked, true, after(1));
  assert.equal(keys[1]?.until, after(1).toISOString(), 'it ends at once');
  assert.equal(acme.plan(revoked, true, after(1)).pending?.reason, 'LoadingKey');
  assert.deepEqual(acme.signing, ['made 1', 'made 2']);
  acme.plan(revoked, true, after(1));
  assert.deepEqual(acme.signing, ['made 2', 'made 1']);
});

test('a revoked key in use is replaced, and ends as soon as all processes have the new one', () => {
  const acme = new Tenant();
  const spec = { revoked: [keyID('one')] };
  assert.equal(acme.plan(spec, false).pending?.reason, 'LoadingKey');
  acme.plan(spec, true, after(1));
  assert.deepEqual(acme.signing, ['made 1', 'one']);
  assert.equal(secondKeySettings('acme', acme.secrets, 1).secondTokenSecretUntil, after(1).toISOString());
  assert.deepEqual(acme.plan(spec, true, after(2)).changes, {});
});

test('the admin secret changes alone', () => {
  const acme = new Tenant();
  const spec = { admin: { rotation: 'x', overlapHours: 0 } };
  for (const loaded of [false, true]) acme.plan(spec, loaded);
  assert.deepEqual(acme.signing, ['one', undefined]);
  assert.deepEqual([acme.secrets['acme.admin-secret'], acme.secrets[NAMES.admin]], ['made 1', 'a']);
});

test('services that know no second key get none, and the reason is named', () => {
  const acme = new Tenant();
  assert.equal(acme.plan(rotate('x'), true, NOW, 0).pending?.reason, 'ServicesTooOld');
  assert.deepEqual(acme.secrets, GENERATED);
  for (const loaded of [false, true]) acme.plan(rotate('x'), loaded);
  assert.deepEqual(secondKeySettings('acme', acme.secrets, 0), {});
});

test('without spec.keys a rotation is completed, and its rest is removed after the end', () => {
  const acme = new Tenant();
  acme.plan(rotate('x'), false);
  acme.plan(undefined, true);
  assert.deepEqual(acme.signing, ['made 1', 'one']);
  acme.plan(undefined, true, after(1));
  assert.deepEqual(acme.signing, ['made 1', 'one'], 'the usual 168 hours');
  const { keys } = acme.plan(undefined, true, after(169));
  const since = NOW.toISOString();
  assert.deepEqual(acme.secrets, {
    ...{ ...GENERATED, 'acme.token-secret': 'made 1' },
    'acme.keys': JSON.stringify({ signing: { since } }),
  });
  assert.deepEqual(keys[0], { purpose: 'Signing', id: keyID('made 1'), state: 'Current', since });
  assert.deepEqual(acme.plan(undefined, true, after(170)).changes, {}, 'nothing more is done');
});
