import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ControlPlane, eventually } from '@im/dev-kubernetes';
import type { KubeClient } from '@im/kube';
import { OPENIM_CLUSTER, OPENIM_TENANT } from '@im/operator';
import { EXIT } from '../src/exit-codes.ts';
import { type CustomResources, startCustomResources } from './custom-resources.ts';
import { type Outcome, start } from './openimctl.ts';

const NAMESPACE = 'im';
const cwd = mkdtempSync(join(tmpdir(), 'im-tenant-'));
let resources: CustomResources | undefined;
let plane: ControlPlane;
let client: KubeClient;

before(async () => {
  resources = await startCustomResources(NAMESPACE);
  ({ plane, client } = resources);
  await client.create(OPENIM_CLUSTER, {
    ...{ apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMCluster' },
    metadata: { name: 'chat', namespace: NAMESPACE },
    spec: {},
  });
});
after(async () => {
  await resources?.[Symbol.asyncDispose]();
  rmSync(cwd, { recursive: true, force: true });
});

async function run(args: string[], input?: string): Promise<Outcome> {
  const env = { KUBECONFIG: plane.kubeconfig };
  return await start([...args, '-n', NAMESPACE], { env, cwd, ...(input !== undefined && { input }) }).end();
}

/** Sets the status as the operator does, once the resource has a generation of at least this. */
async function report(
  name: string,
  generation: number,
  ready: 'True' | 'False',
  reason = 'InForce',
  message = '',
) {
  const key = { namespace: NAMESPACE, name };
  let observedGeneration: number | undefined;
  await eventually(async () => {
    observedGeneration = (await client.get(OPENIM_TENANT, key))?.metadata.generation;
    assert.ok((observedGeneration ?? 0) >= generation, `${name} of generation ${generation}`);
  });
  const lastTransitionTime = new Date().toISOString();
  await client.patchStatus(OPENIM_TENANT, key, {
    observedGeneration,
    tenantID: name,
    conditions: [{ type: 'Ready', status: ready, reason, message, observedGeneration, lastTransitionTime }],
    endpoints: { api: `https://im.example/t/${name}`, webSocket: `wss://im.example/t/${name}/ws` },
    adminSecretRef: { name: `${name}-admin` },
  });
}

test('a tenant is created, shown, changed, suspended, resumed and deleted', async () => {
  const creating = run([
    'tenant',
    'create',
    'shop',
    '--quota',
    'users=100',
    '--host',
    'im.shop.example',
    '-o',
    'json',
  ]);
  await report('shop', 1, 'True');
  const created = await creating;
  assert.equal(created.code, EXIT.ok, created.stderr);
  assert.partialDeepStrictEqual(JSON.parse(created.stdout), {
    kind: 'OpenIMTenant',
    spec: { clusterRef: { name: 'chat' }, quotas: { users: 100 }, hosts: ['im.shop.example'] },
  });
  const shown = (await run(['tenant', 'get', 'shop'])).stdout;
  assert.match(shown, /^ready: +true$/m);
  assert.match(shown, /^adminSecret: +shop-admin$/m);
  assert.match(shown, /^quotas: +users=100$/m);
  const listed = (await run(['tenant', 'list', '--cluster', 'chat'])).stdout;
  assert.match(listed, /^NAMESPACE +NAME +TENANT .*\nim +shop +shop +chat +true +InForce +false +https:/);

  const updating = run([
    'tenant',
    'update',
    'shop',
    '--set',
    'tokenPolicy.expireDays=7',
    '--unset',
    'hosts',
    '-o',
    'json',
  ]);
  await report('shop', 2, 'True');
  const { spec } = JSON.parse((await updating).stdout);
  assert.deepEqual(spec, {
    clusterRef: { name: 'chat' },
    quotas: { users: 100 },
    tokenPolicy: { expireDays: 7 },
  });
  const suspended = await run(['tenant', 'suspend', 'shop', '--no-wait', '-o', 'json']);
  assert.equal(JSON.parse(suspended.stdout).spec.suspended, true);
  const resumed = await run(['tenant', 'resume', 'shop', '--no-wait', '-o', 'yaml']);
  assert.match(resumed.stdout, /^ {2}suspended: false$/m);

  const dry = await run(['tenant', 'delete', 'shop', '--dry-run', '-o', 'json']);
  assert.equal(dry.code, EXIT.ok, dry.stderr);
  assert.partialDeepStrictEqual(JSON.parse(dry.stdout), {
    would: 'delete the tenant',
    deletionPolicy: 'Retain',
  });
  assert.ok(await client.get(OPENIM_TENANT, { namespace: NAMESPACE, name: 'shop' }));
  const unasked = await run(['tenant', 'delete', 'shop']);
  assert.equal(unasked.code, EXIT.usage);
  assert.match(unasked.stderr, /add --yes/);
  const deleted = await run(['tenant', 'delete', 'shop', '--yes', '-o', 'json']);
  assert.deepEqual(JSON.parse(deleted.stdout), { namespace: 'im', name: 'shop', state: 'deleted' });
  const gone = await run(['tenant', 'get', 'shop']);
  assert.equal(gone.code, EXIT.usage);
  assert.match(gone.stderr, /there is no OpenIMTenant shop in namespace im; openimctl tenant list -A/);
});

test('keys are listed, rotated and revoked, and the command waits for the operator', async () => {
  const metadata = { name: 'keyed', namespace: NAMESPACE };
  await client.create(OPENIM_TENANT, {
    ...{ apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMTenant', metadata },
    spec: { clusterRef: { name: 'chat' } },
  });
  /** Sets what the operator would report of the keys. */
  const reportKeys = async (generation: number, status: 'True' | 'False', reason: string, keys: object[]) => {
    await report('keyed', generation, 'True');
    const found = await client.get(OPENIM_TENANT, metadata);
    const [ready] = found?.status?.conditions ?? [];
    const observedGeneration = found?.metadata.generation;
    const rotated = { ...ready, type: 'KeysRotated', status, reason, message: 'loading', observedGeneration };
    await client.patchStatus(OPENIM_TENANT, metadata, { conditions: [ready, rotated], keys });
  };
  const none = await run(['key', 'list', 'keyed']);
  assert.equal(none.code, EXIT.refused);
  assert.match(none.stderr, /has not listed the keys of keyed yet: openimctl tenant get keyed -n im/);
  const [old, next] = ['0123456789ab', 'ba9876543210'];
  await client.patchStatus(OPENIM_TENANT, metadata, {
    tenantID: 'by-id',
    keys: [{ purpose: 'Signing', id: old, state: 'Current' }],
  });
  const made = (await client.get(OPENIM_TENANT, metadata))?.metadata.creationTimestamp ?? '';
  for (const args of [['keyed'], ['keyed', '--cluster', 'chat'], ['by-id', '--cluster', 'im/chat']]) {
    const { stdout, stderr } = await run(['key', 'list', ...args]);
    assert.match(stdout, new RegExp(`^Signing +${old} +Current +${made} +\\d+ s$`, 'm'), stderr);
  }
  const foreign = await run(['key', 'list', 'shop', '--cluster', 'chat']);
  assert.equal(foreign.code, EXIT.usage);
  assert.match(foreign.stderr, /cluster chat has no tenant shop; openimctl tenant list -A/);
  const dry = await run(['key', 'rotate', 'keyed', '--dry-run']);
  assert.equal(dry.code, EXIT.ok, dry.stderr);
  assert.match(dry.stderr, /nothing was changed/);
  assert.equal((await client.get(OPENIM_TENANT, metadata))?.spec.keys, undefined);
  const current = { purpose: 'Signing', id: next, state: 'Current' };
  const former = { purpose: 'Signing', id: old, state: 'Former', until: '2030-01-01T00:00:00Z' };

  const rotating = run(['key', 'rotate', 'keyed', '--overlap', '36h']);
  await reportKeys(2, 'False', 'LoadingKey', [{ ...current, id: old }]);
  await reportKeys(2, 'True', 'Overlapping', [current, former]);
  const rotated = await rotating;
  assert.equal(rotated.code, EXIT.ok, rotated.stderr);
  assert.match(rotated.stdout, /^Signing +ba9876543210 +Current *\nSigning +0123456789ab +Former +2030-/m);
  const { signing } = (await client.get(OPENIM_TENANT, metadata))?.spec.keys ?? {};
  assert.equal(signing?.overlapHours, 36);
  assert.match(signing?.rotation ?? '', /^20\d\d-/);

  assert.equal((await run(['key', 'revoke', 'keyed', old])).code, EXIT.usage, 'without --yes');
  const unknown = await run(['key', 'revoke', 'keyed', 'aaaaaaaaaaaa', '--yes']);
  assert.match(unknown.stderr, /keyed has no key aaaaaaaaaaaa; openimctl key list keyed/);
  const revoked = await run(['key', 'revoke', 'keyed', old, '--yes', '--no-wait']);
  assert.equal(revoked.code, EXIT.ok, revoked.stderr);
  assert.deepEqual((await client.get(OPENIM_TENANT, metadata))?.spec.keys?.revoked, [old]);
  const late = await run(['key', 'rotate', 'keyed', '--admin', '--overlap', '0', '--timeout', '1s']);
  assert.equal(late.code, EXIT.unreachable);
  assert.equal((await client.get(OPENIM_TENANT, metadata))?.spec.keys?.admin?.overlapHours, 0);
});

test('a manifest is taken from a file or standard input, and options go over it', async () => {
  const manifest = [
    'apiVersion: openim.io/v1alpha1',
    'kind: OpenIMTenant',
    'metadata: { name: from-file, labels: { team: a } }',
    'spec: { clusterRef: { name: chat }, quotas: { users: 5, connections: 6 } }',
  ].join('\n');
  const dry = await run(
    ['tenant', 'create', '-f', '-', '--quota', 'users=9', '--dry-run', '-o', 'json'],
    manifest,
  );
  assert.equal(dry.code, EXIT.ok, dry.stderr);
  assert.partialDeepStrictEqual(JSON.parse(dry.stdout), {
    metadata: { name: 'from-file', labels: { team: 'a' } },
    spec: { quotas: { users: 9, connections: 6 } },
  });
  assert.equal(await client.get(OPENIM_TENANT, { namespace: NAMESPACE, name: 'from-file' }), undefined);
  const file = join(cwd, 'tenant.yaml');
  writeFileSync(file, manifest);
  assert.equal((await run(['tenant', 'create', 'second', '-f', file, '--no-wait'])).code, EXIT.ok);
  const again = await run(['tenant', 'create', 'second', '--no-wait']);
  assert.equal(again.code, EXIT.refused);
  assert.match(
    again.stderr,
    /OpenIMTenant second in namespace im already; openimctl tenant update second -n im/,
  );
  writeFileSync(file, 'kind: ConfigMap');
  assert.match(
    (await run(['tenant', 'create', '-f', file])).stderr,
    /tenant\.yaml is no OpenIMTenant but ConfigMap/,
  );
});

test('what the API server or the operator refuses ends the command with its reason', async () => {
  // A cluster of another namespace, which need not be visible.
  const elsewhere = await run([
    'tenant',
    'create',
    'far',
    '--cluster',
    'platform/chat',
    '--dry-run',
    '-o',
    'json',
  ]);
  assert.equal(elsewhere.code, EXIT.ok, elsewhere.stderr);
  const { metadata, spec } = JSON.parse(elsewhere.stdout);
  assert.deepEqual(
    [metadata.namespace, spec.clusterRef],
    [NAMESPACE, { name: 'chat', namespace: 'platform' }],
  );
  const unknown = await run(['tenant', 'create', 'bad', '--set', 'quotas.user=5', '--no-wait']);
  assert.equal(unknown.code, EXIT.refused);
  assert.match(unknown.stderr, /unknown field "spec\.quotas\.user"/);
  const wrong = await run(['tenant', 'create', 'bad', '--set', 'tokenPolicy.multiLogin=9', '--dry-run']);
  assert.equal(wrong.code, EXIT.refused);
  assert.match(wrong.stderr, /spec\.tokenPolicy\.multiLogin: Unsupported value: 9/);
  assert.equal(await client.get(OPENIM_TENANT, { namespace: NAMESPACE, name: 'bad' }), undefined);

  const creating = run(['tenant', 'create', 'taken']);
  await report('taken', 1, 'False', 'HostTaken', 'spec.hosts[0] belongs to shop');
  const taken = await creating;
  assert.equal(taken.code, EXIT.refused);
  assert.match(
    taken.stderr,
    /im\/taken is stored, but not in force: HostTaken: spec\.hosts\[0\] belongs to shop/,
  );

  const late = await run(['tenant', 'suspend', 'taken', '--timeout', '3s']);
  assert.equal(late.code, EXIT.unreachable);
  assert.match(late.stderr, /2 s, im\/taken: the operator has not seen the last change yet/);
  assert.match(
    late.stderr,
    /im\/taken: not in force after 3 s: the operator has not seen the last change yet; openimctl tenant get taken -n im/,
  );
});
