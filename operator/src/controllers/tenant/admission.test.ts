import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, keyOf, type ObjectKey, type Stored } from '@im/kube';
import { tenant } from '../../../test/tenant-fixture.ts';
import type { OpenIMClusterAllowedTenants } from '../../gen/openimcluster.ts';
import type { OpenIMTenantSpec } from '../../gen/openimtenant.ts';
import type { OpenIMTenantClassSpec } from '../../gen/openimtenantclass.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { TenantAdmission } from './admission.ts';
import { planTenants } from './create.ts';

/** A cluster `im/chat`, and namespaces with labels. */
function admission(
  allowedTenants: OpenIMClusterAllowedTenants | undefined,
  classes: Readonly<Record<string, OpenIMTenantClassSpec>> = {},
) {
  const labels: Record<string, Record<string, string>> = {
    im: {},
    'team-a': { im: 'yes', tier: 'gold' },
    'team-b': { im: 'no' },
  };
  const stored = (object: object, { name, namespace }: ObjectKey) =>
    ({ metadata: { name, namespace, uid: name, resourceVersion: '1' }, ...object }) as never;
  const versions = { current: 1 };
  return {
    classes,
    versions,
    it: new TenantAdmission({
      clusters: {
        get: (key) =>
          key === 'im/chat' ? stored({ spec: { allowedTenants } }, { name: 'chat' }) : undefined,
      },
      classes: {
        get(key) {
          const name = key.replace(/^im\//, '');
          const spec = classes[name];
          const metadata = { name, uid: name, resourceVersion: String(versions.current) };
          return spec && ({ metadata, spec } as never);
        },
      },
      namespaces: {
        get: (key) =>
          labels[key] && ({ metadata: { name: key, labels: labels[key] } } as never as Stored<KubeObject>),
      },
    }),
  };
}

function inNamespace(
  namespace: string,
  spec: Partial<OpenIMTenantSpec> = {},
  name = 'shop',
  age = 0,
): Stored<OpenIMTenant> {
  const base = tenant(name, age, { clusterRef: { name: 'chat', namespace: 'im' }, ...spec });
  return { ...base, metadata: { ...base.metadata, namespace, uid: `${namespace}/${name}` } };
}

const denied = (allowed: OpenIMClusterAllowedTenants | undefined, namespace: string) =>
  admission(allowed).it.admit(inNamespace(namespace), false).denied?.reason;

test('namespaces: the one of the cluster always, others as it says', () => {
  const NOT = 'NamespaceNotAllowed';
  const choices: [OpenIMClusterAllowedTenants | undefined, ...(string | undefined)[]][] = [
    [undefined, undefined, NOT, NOT],
    [{}, undefined, NOT, NOT],
    [{ namespaces: { from: 'Same' } }, undefined, NOT, NOT],
    [{ namespaces: { from: 'All' } }, undefined, undefined, undefined],
    [
      { namespaces: { from: 'Selector', selector: { matchLabels: { im: 'yes' } } } },
      undefined,
      undefined,
      NOT,
    ],
    [{ namespaces: { from: 'Selector', selector: {} } }, undefined, undefined, undefined],
  ];
  for (const [allowed, ...expected] of choices)
    assert.deepEqual(
      ['im', 'team-a', 'team-b'].map((namespace) => denied(allowed, namespace)),
      expected,
      JSON.stringify(allowed),
    );
  assert.equal(
    denied({ namespaces: { from: 'Selector', selector: {} } }, 'unknown'),
    NOT,
    'a namespace that is not known',
  );
});

test('expressions of a selector', () => {
  const only = (key: string, operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', values: string[] = []) => {
    const matchExpressions = [{ key, operator, ...(values.length > 0 && { values }) }];
    const allowed = { namespaces: { from: 'Selector', selector: { matchExpressions } } } as const;
    return ['team-a', 'team-b'].filter((namespace) => denied(allowed, namespace) === undefined);
  };
  assert.deepEqual(only('im', 'In', ['yes', 'maybe']), ['team-a']);
  assert.deepEqual(only('im', 'NotIn', ['yes']), ['team-b']);
  assert.deepEqual(only('tier', 'NotIn', ['silver']), ['team-a', 'team-b']);
  assert.deepEqual(only('tier', 'Exists'), ['team-a']);
  assert.deepEqual(only('tier', 'DoesNotExist'), ['team-b']);
});

test('no other namespace may change the tenant at the root', () => {
  const { it } = admission({ namespaces: { from: 'All' } });
  assert.equal(
    it.admit(inNamespace('team-a', { tenantID: 'default' }), false).denied?.reason,
    'TenantIDTaken',
  );
  assert.equal(it.admit(inNamespace('im', { tenantID: 'default' }), false).denied, undefined);
});

test('classes: the default one where none is chosen; one that is missing, not listed or not for the namespace is refused', () => {
  const classes = { bronze: {}, gold: { namespaces: { from: 'Same' } } } as const;
  const allowed = { namespaces: { from: 'All' }, classes: ['gold'], defaultClass: 'bronze' } as const;
  const { it } = admission(allowed, { ...classes, silver: {} });
  const of = (namespace: string, name?: string) => {
    const { refusal, class: found } = it.admit(
      inNamespace(namespace, name === undefined ? {} : { classRef: { name } }),
      false,
    );
    return refusal?.reason ?? found?.name;
  };
  assert.equal(of('team-a'), 'bronze');
  assert.equal(of('team-a', 'bronze'), 'bronze');
  assert.equal(of('im', 'gold'), 'gold');
  assert.equal(of('team-a', 'gold'), 'ClassNotAllowed');
  assert.equal(of('team-a', 'silver'), 'ClassNotAllowed');
  assert.equal(
    admission({ defaultClass: 'gone' }).it.admit(inNamespace('im'), false).refusal?.reason,
    'ClassMissing',
  );
});

test('a new spec above a ceiling is refused; one that was in force gets the ceiling', () => {
  const { it, classes, versions } = admission(
    { defaultClass: 'bronze' },
    { bronze: { ceilings: { quotas: { users: 5 } } } },
  );
  const asks = inNamespace('im', { quotas: { users: 9 } });
  const refused = it.admit(asks, false);
  assert.equal(refused.refusal?.reason, 'ExceedsClass');
  assert.match(
    refused.refusal?.message ?? '',
    /spec\.quotas\.users: 9 is above the ceiling 5 of class bronze/,
  );
  const clamped = it.admit(asks, true);
  assert.equal(clamped.refusal, undefined);
  assert.deepEqual(clamped.tenant.spec.quotas, { users: 5 });
  assert.equal(clamped.class?.clamped.length, 1);
  assert.equal(
    it.admit(asks, true).tenant,
    clamped.tenant,
    'the same object, so that others can remember it',
  );
  Object.assign(classes, { bronze: { ceilings: { quotas: { users: 7 } } } });
  versions.current++;
  assert.deepEqual(it.admit(asks, true).tenant.spec.quotas, { users: 7 });
});

test('one that is denied takes neither ID nor host from others, and nothing of it is planned', () => {
  const { it } = admission(undefined);
  const thief = inNamespace('team-a', { tenantID: 'shop', hosts: ['im.shop.example'] }, 'thief', 1_000);
  const owner = inNamespace('im', { hosts: ['im.shop.example'] }, 'shop', 0);
  const admit = (each: Stored<OpenIMTenant>) => it.admit(each, false);
  const { entries, refused } = planTenants([thief, owner], { admit });
  assert.deepEqual(
    [...refused].map(([uid, { reason }]) => [uid, reason]),
    [['team-a/thief', 'NamespaceNotAllowed']],
  );
  assert.deepEqual(entries.find(({ id }) => id === 'shop')?.hosts, ['im.shop.example']);
});

test('the first of two namespaces gets an ID, and the message does not name what is in the other', () => {
  const { it } = admission({ namespaces: { from: 'All' } });
  const first = inNamespace('team-a', {}, 'shop', 1_000);
  const second = inNamespace('team-b', {}, 'shop', 0);
  const options = { admit: (each: Stored<OpenIMTenant>) => it.admit(each, false) };
  const { refused, namespaces } = planTenants([second, first], options);
  assert.deepEqual([...refused.keys()], ['team-b/shop']);
  assert.match(
    refused.get('team-b/shop')?.message ?? '',
    /shop is already used by OpenIMTenant of namespace team-a; choose/,
  );
  assert.deepEqual([...namespaces], [['shop', 'team-a']]);
  const taken = planTenants([second], {
    ...options,
    idTaken: ({ metadata }) => ({ reason: 'TenantIDTaken', message: keyOf({ metadata }) }),
  });
  assert.deepEqual(
    taken.entries.map(({ id }) => id),
    ['default'],
  );
});
