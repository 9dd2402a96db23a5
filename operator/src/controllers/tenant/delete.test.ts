import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TenantPurgeReport } from '@im/contract';
import type { KubeClient, Stored } from '@im/kube';
import { tenant } from '../../../test/tenant-fixture.ts';
import type { OpenIMTenantSpec } from '../../gen/openimtenant.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { FINALIZER } from '../../resources/names.ts';
import type { RunningProcess } from '../cluster/observation/reports.ts';
import { TenantAdmission } from './admission.ts';
import { planTenants } from './create.ts';
import { type DeletionState, TenantDeletion } from './delete.ts';
import { clusterKeyOf } from './identity.ts';
import { type TenantDeps, TenantReconciler } from './reconcile.ts';
import { deletionStatus } from './status.ts';

const running: TenantPurgeReport = {
  state: 'running',
  step: 'objects',
  removed: { records: 1, documents: 2, keys: 3, objects: 4 },
};
const processOf = (role: string) =>
  ({
    pod: role,
    host: `10.0.0.${role.length}`,
    report: { at: 0, status: { roles: [role] } },
  }) as never as RunningProcess;

/** A deletion with what it writes and asks for. */
function deletion(answer: () => TenantPurgeReport = () => running, namespace?: object) {
  const done: string[] = [];
  const client = {
    get: async () => namespace,
    patch: async (type: { readonly kind: string }, _key: unknown, patch: unknown) => {
      done.push(`${type.kind} ${JSON.stringify(patch)}`);
    },
  };
  const processes = {
    async purgeTenant({ host }: { readonly host: string }, order: object) {
      done.push(`purge at ${host} ${JSON.stringify(order)}`);
      return answer();
    },
  };
  const kube = client as never as KubeClient;
  return { done, client: kube, deletion: new TenantDeletion(kube, processes) };
}

const HOUR_MS = 3_600_000;
function deleted(spec: Partial<OpenIMTenantSpec>, agoMs = HOUR_MS): Stored<OpenIMTenant> {
  const base = tenant('shop', 0, { deletionPolicy: 'Purge', ...spec });
  const deletionTimestamp = new Date(Date.now() - agoMs).toISOString();
  return { ...base, metadata: { ...base.metadata, deletionTimestamp, finalizers: ['of/others', FINALIZER] } };
}
const STATE: DeletionState = {
  id: 'shop',
  hasCluster: true,
  claims: [],
  processes: [processOf('gateway'), processOf('rpc')],
  key: 'key',
};
const never = new AbortController().signal;
const ENDED = [
  `OpenIMTenant ${JSON.stringify({ metadata: { finalizers: ['of/others'], resourceVersion: '1' } })}`,
];

const AT_ONCE: readonly [what: string, spec: Partial<OpenIMTenantSpec>, state: Partial<DeletionState>][] = [
  ['whose policy was changed to Retain', { deletionPolicy: 'Retain' }, {}],
  ['of a cluster that is gone', {}, { hasCluster: false, processes: [], key: undefined }],
  ['whose ID another resource took over before', {}, { claims: [0] }],
  ['that is the default one', {}, { id: 'default' }],
];
for (const [what, spec, state] of AT_ONCE) {
  test(`a tenant ${what} is deleted at once, and nothing stored is removed`, async () => {
    const { done, deletion: it } = deletion();
    const given = deleted({ purgeAfterHours: 0, ...spec });
    assert.equal(await it.next(given, { ...STATE, ...state }, never), undefined);
    assert.deepEqual(done, ENDED);
  });
}

const WAITS: readonly [
  what: string,
  spec: Partial<OpenIMTenantSpec>,
  state: Partial<DeletionState>,
  says: RegExp,
][] = [
  ['its cluster is known', {}, { hasCluster: undefined }, /is being looked at/],
  [
    'the grace period is over',
    { purgeAfterHours: 2 },
    {},
    /^Clients are refused.*removed for good at .*Retain/,
  ],
  ['no process serves it', {}, { key: undefined }, /all processes .* have removed the tenant; .*Retain/],
  ['a process can remove', {}, { processes: [processOf('gateway')] }, /No rpc process is running.*Retain/],
];
for (const [what, spec, state, says] of WAITS) {
  test(`nothing is removed until ${what}`, async () => {
    const { done, deletion: it } = deletion();
    const step = await it.next(deleted({ purgeAfterHours: 0, ...spec }), { ...STATE, ...state }, never);
    assert.match(step?.message ?? '', says);
    assert.ok((step?.againAfterMs ?? 0) > 0 && (step?.againAfterMs ?? 0) <= HOUR_MS);
    assert.deepEqual(done, []);
  });
}

test('a resource with the same ID that came too late does not keep what is stored', async () => {
  const { done, deletion: it } = deletion();
  await it.next(deleted({ purgeAfterHours: 0 }), { ...STATE, claims: [Date.now()] }, never);
  assert.equal(done.length, 1);
  const at = new Date(1_000_000 - 500);
  const plan = planTenants([tenant('shop', 0), tenant('early', 900)], {
    purging: new Map([
      ['shop', { name: 'old', at }],
      ['early', { name: 'old', at }],
    ]),
  });
  assert.match(
    plan.refused.get('shop')?.message ?? '',
    /^spec\.tenantID: what OpenIMTenant old stored under shop is being removed; wait/,
  );
  assert.equal(plan.refused.get('early'), undefined);
});

test('without a grace period in the spec, three days are waited', async () => {
  const { done, deletion: it } = deletion();
  assert.match((await it.next(deleted({}, 71 * HOUR_MS), STATE, never))?.message ?? '', /for good at/);
  assert.deepEqual(done, []);
  await it.next(deleted({}, 73 * HOUR_MS), STATE, never);
  assert.equal(done.length, 1);
});

test('an rpc process removes what is stored, with its progress in status; then keys and finalizer go', async () => {
  const purge = 'purge at 10.0.0.3 {"tenant":"shop","placement":"Dedicated"}';
  const given = deleted({ purgeAfterHours: 0, placement: 'Dedicated' });
  const { done, deletion: it } = deletion();
  const step = await it.next(given, STATE, never);
  assert.ok(step);
  assert.match(step.message, /^What is stored is being removed: objects\./);
  assert.partialDeepStrictEqual(deletionStatus(given, step, new Date()), {
    conditions: [{ type: 'Ready', status: 'False', reason: 'Purging' }],
    deletion: { step: 'objects', removed: { documents: 2 } },
  });
  assert.deepEqual(done, [purge]);
  const last = deletion(() => ({ ...running, state: 'done', step: 'scan' }));
  assert.equal(await last.deletion.next(given, STATE, never), undefined);
  const names = ['token-secret', 'admin-secret', 'token-secret-2', 'admin-secret-2', 'keys', 'namespace'];
  const data = Object.fromEntries(names.map((name) => [`shop.${name}`, null]));
  const keys = `Secret ${JSON.stringify({ data })}`;
  assert.deepEqual(last.done, [purge, keys, ...ENDED]);
});

test('a process that refuses is asked again, and the finalizer stays', async () => {
  const { done, deletion: it } = deletion(() => {
    throw new Error('POST /tenants/purge: 409 is served');
  });
  const step = await it.next(deleted({ purgeAfterHours: 0 }), STATE, never);
  assert.match(step?.message ?? '', /did not remove .*409 is served.*asked again.*Retain/);
  assert.equal(done.length, 1);
});

test('a tenant is deleted with its namespace, and with its cluster although that is forgotten', async () => {
  const { done, deletion: it } = deletion(() => running, { metadata: { deletionTimestamp: 'now' } });
  assert.equal(await it.next(deleted({}), { ...STATE, hasCluster: undefined }, never), undefined);
  assert.deepEqual(done, ENDED);
  const given = deleted({});
  const { done: patched, client } = deletion();
  const reconciler = new TenantReconciler({
    tenants: { get: () => given, byIndex: () => [given] } as never as TenantDeps['tenants'],
    applier: {} as TenantDeps['applier'],
    observer: { processesOf: () => [] },
    delivery: { keyWhenGone: () => undefined } as never as TenantDeps['delivery'],
    usage: { of: () => undefined },
    admission: new TenantAdmission({
      clusters: { get: () => undefined },
      classes: { get: () => undefined },
      namespaces: { get: () => undefined },
    }),
    secrets: { keep: async () => undefined },
    client,
    processes: { purgeTenant: async () => running },
    enqueue: () => {},
  });
  const cluster = clusterKeyOf(given);
  reconciler.setContext(cluster, undefined);
  reconciler.forget(cluster);
  await reconciler.reconcile('/shop', never);
  assert.deepEqual(patched, ENDED);
});

test('the finalizer follows the policy of a tenant', async () => {
  const { done, deletion: it } = deletion();
  assert.equal(await it.setFinalizer(tenant('shop', 0), never), false);
  assert.equal(await it.setFinalizer(tenant('shop', 0, { deletionPolicy: 'Purge' }), never), true);
  assert.match(done[0] ?? '', new RegExp(`"finalizers":\\["${FINALIZER}"\\]`));
});
