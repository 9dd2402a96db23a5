import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keyID, type ProcessStatus } from '@im/contract';
import { eventually } from '@im/dev-kubernetes';
import { eachLimited } from '@im/kit';
import { CONFIG_MAP, SECRET, type Stored } from '@im/kube';
import { httpProcessApi } from '../src/controllers/cluster/observation/process-api.ts';
import type { OpenIMTenantSpec } from '../src/gen/openimtenant.ts';
import { OPENIM_TENANT, type OpenIMTenant } from '../src/resources/kinds.ts';
import { decoded } from '../src/resources/secrets.ts';
import { RequestCounter } from './counting-client.ts';
import { ROOT } from './manifests.ts';
import { startOperator, usableStores, useFixture } from './operator-fixture.ts';

const NAMESPACE = 'default';
const CLUSTER = 'many';
const FULL = process.env.FULL === '1';
const TENANTS = FULL ? 1_000 : 40;
const LONG_MS = FULL ? 600_000 : 120_000;
/** Time within which a tenant is in force in every running process, ms. */
const IN_FORCE_MS = 5_000;
const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:0.1.0' };

const fixture = useFixture(NAMESPACE);
const requests = new RequestCounter();

async function applyTenant(name: string, spec: Partial<OpenIMTenantSpec> = {}): Promise<void> {
  const object = {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMTenant',
    metadata: { name, namespace: NAMESPACE },
    spec: { clusterRef: { name: CLUSTER }, ...spec },
  };
  await fixture.client.apply(OPENIM_TENANT, object, { fieldManager: 'person' });
}

async function tenants(): Promise<readonly Stored<OpenIMTenant>[]> {
  return (await fixture.client.list(OPENIM_TENANT, { namespace: NAMESPACE })).items;
}

const readyOf = ({ status, metadata }: Stored<OpenIMTenant>) => {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.observedGeneration === metadata.generation ? ready : undefined;
};
const isReady = (tenant: Stored<OpenIMTenant>) => readyOf(tenant)?.status === 'True';

/** Waits until this tenant is in force. @returns how long that took, ms. */
async function untilReady(name: string): Promise<number> {
  const startedAt = performance.now();
  await eventually(async () => {
    const found = (await tenants()).find(({ metadata }) => metadata.name === name);
    assert.ok(found && isReady(found), found && readyOf(found)?.message);
  }, LONG_MS);
  return performance.now() - startedAt;
}

/** Waits until this tenant is not in force for a reason that matches. */
async function untilNotReady(name: string, says: RegExp): Promise<void> {
  await eventually(async () => {
    const found = (await tenants()).find(({ metadata }) => metadata.name === name);
    const ready = found && readyOf(found);
    assert.equal(ready?.status, 'False');
    assert.match(ready?.message ?? '', says);
  }, LONG_MS);
}

const whsec = (fill: number) => `whsec_${Buffer.alloc(24, fill).toString('base64')}`;

async function applySecret(name: string, values: Readonly<Record<string, string>>): Promise<void> {
  const metadata = { name, namespace: NAMESPACE };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: values };
  await fixture.client.apply(SECRET, secret, { fieldManager: 'person', force: true });
}

async function secretOf(name: string): Promise<Record<string, string> | undefined> {
  const found = await fixture.client.get(SECRET, { namespace: NAMESPACE, name });
  return found && decoded(found.data);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

const OF_CLUSTER = { namespace: NAMESPACE, labelSelector: `app.kubernetes.io/instance=${CLUSTER}` };

/** The config of the cluster. */
async function configText(): Promise<string> {
  const { items } = await fixture.client.list(CONFIG_MAP, OF_CLUSTER);
  return items.find(({ data }) => data?.['im.yaml'] !== undefined)?.data?.['im.yaml'] ?? '';
}

/** The files with the settings of tenants, by name. */
async function shardFiles(): Promise<Record<string, string>> {
  const { items } = await fixture.client.list(CONFIG_MAP, OF_CLUSTER);
  const shards = items.filter(({ metadata }) => metadata.name.startsWith(`${CLUSTER}-tenants`));
  return Object.assign({}, ...shards.map(({ data }) => data));
}

/** The credentials of tenants, by entry. */
async function tenantCredentials(): Promise<Record<string, string>> {
  const { items } = await fixture.client.list(SECRET, OF_CLUSTER);
  const shards = items.filter(({ metadata }) => metadata.name.startsWith(`${CLUSTER}-tenants`));
  return Object.assign({}, ...shards.map(({ data }) => decoded(data)));
}

/** A real process of the services, with the config of the cluster as a kubelet mounted it at its start. */
async function startProcess(dir: string) {
  const port = await freePort();
  const texts = { 'im.yaml': await configText(), ...(await shardFiles()) };
  for (const { metadata, data } of (await fixture.client.list(SECRET, OF_CLUSTER)).items) {
    const kind = metadata.name.startsWith(`${CLUSTER}-tenants`) ? 'tenants' : 'connection';
    for (const [key, value] of Object.entries(data ?? {})) {
      const name = key === 'rpcKey' ? 'rpc-key' : key;
      await writeFile(join(dir, `${kind}-${name}`), Buffer.from(value, 'base64'));
    }
  }
  for (const [name, text] of Object.entries(texts)) {
    const mounted = text
      .replaceAll('/etc/openim/secrets/tenants/', `${dir}/tenants-`)
      .replaceAll('/etc/openim/secrets/connection/', `${dir}/connection-`)
      .replace('tenantsDir: /etc/openim/tenants', `tenantsDir: ${dir}`)
      .replace(/port: 10300/, `port: ${port}`);
    await writeFile(join(dir, name), mounted);
  }
  const file = join(dir, 'im.yaml');
  // Run, not imported: the operator depends on no service.
  const entry = join(ROOT, 'services/main/src/entry.ts');
  const child: ChildProcess = spawn(process.execPath, [entry, 'serve', 'cron', '--config', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env.PATH, OPENIM_LOG_LEVEL: 'fatal' },
  });
  const api = httpProcessApi(port);
  const signal = new AbortController().signal;
  const status = (): Promise<ProcessStatus> => api.status('127.0.0.1', signal);
  await eventually(async () => {
    await status();
  }, LONG_MS);
  return {
    api,
    status,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

test('tenants are in force within seconds in every process, one more touches no other, an invalid one is refused alone', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openim-tenants-'));
  fixture.nodes.following.add(CLUSTER);
  const one = { replicas: 1 };
  {
    await using _first = startOperator(fixture, NAMESPACE, OPERATOR, { storeChecks: usableStores });
    await fixture.applyCluster(CLUSTER, { gateway: one, api: one, rpc: one, transfer: one, push: one });
    await eventually(async () => {
      const { status } = await fixture.clusterOf(CLUSTER);
      assert.equal(status?.rollout?.completedGeneration, 1, status?.rollout?.message);
      const text = await configText();
      assert.match(text, /tenantsDir: /);
      assert.match((await shardFiles())['index.json'] ?? '', /"revision":[0-9]+/);
      assert.ok(text.includes('rpc-key') && !text.includes('acceptMissingKey'), 'the key is required');
    }, LONG_MS);
  }
  await using real = await startProcess(dir);
  assert.equal((await real.status()).tenants?.count, 1);
  // From now on no kubelet refreshes a file: what processes get, they get from the operator.
  fixture.nodes.following.delete(CLUSTER);
  fixture.nodes.takingTenants.add(CLUSTER);
  const pods = new Set<string>();
  /** First and second key of one tenant, as processes were sent them. */
  const sentKeys: unknown[][] = [];
  const processes: typeof fixture.nodes.processes = {
    ...fixture.nodes.processes,
    async status(host, signal) {
      const status = await fixture.nodes.processes.status(host, signal);
      if (!status.roles.includes('cron')) return status;
      pods.add(host);
      return { ...(await real.status()), roles: ['cron'] };
    },
    tenants: (at, update, signal) => {
      for (const { id, tokenSecret, secondTokenSecret } of update.put)
        if (id === 'first') sentKeys.push([tokenSecret, secondTokenSecret]);
      return pods.has(at.host)
        ? real.api.tenants({ ...at, host: '127.0.0.1' }, update, signal)
        : fixture.nodes.processes.tenants(at, update, signal);
    },
  };
  const counted = requests.count(fixture.client);
  const begin = () =>
    startOperator({ client: counted, nodes: { processes } }, NAMESPACE, OPERATOR, {
      storeChecks: usableStores,
    });
  await using operator = new AsyncDisposableStack();
  operator.use(begin());

  // One after the other.
  const times: number[] = [];
  for (const name of ['first', 'second', 'third']) {
    await applyTenant(name);
    times.push(await untilReady(name));
  }
  await applyTenant('second', { suspended: true });
  times.push(await untilReady('second'));
  const slowest = Math.max(...times);
  console.log(`in force after ${times.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(', ')}`);
  // Without updates it would take for ever here; how long it takes is for an idle machine to say.
  if (FULL) assert.ok(slowest < IN_FORCE_MS, `${slowest} ms`);
  assert.equal((await real.status()).tenants?.count, 4);

  // Credentials, by reference.
  const digest = async () => (await real.status()).tenants?.digest;
  const kept = async () => Object.keys(await tenantCredentials()).filter((key) => /webhooks/.test(key));
  const [before1, key, newKey] = [await digest(), whsec(1), whsec(2)];
  const webhooks = { url: 'http://192.0.2.1/im', secretRef: { name: 'hooks' } };
  await applyTenant('first', { webhooks });
  await untilNotReady(
    'first',
    /^spec\.webhooks\.secretRef: Secret hooks does not exist in this namespace; create it/,
  );
  assert.equal(await digest(), before1, 'the rest of the tenant goes on');
  await applySecret('hooks', { secret: key });
  times.push(await untilReady('first'));
  const before2 = await digest();
  assert.notEqual(before2, before1);
  const readable = [await configText(), ...Object.values(await shardFiles())];
  assert.ok(!readable.some((text) => text.includes('whsec_')), 'no ConfigMap has a secret');
  assert.equal((await tenantCredentials())['first.webhooks.secret'], key);
  await applySecret('hooks', { secret: newKey });
  await eventually(async () => assert.notEqual(await digest(), before2), LONG_MS);
  await untilReady('first');
  const before3 = await digest();
  await fixture.client.delete(SECRET, { namespace: NAMESPACE, name: 'hooks' });
  await untilNotReady('first', /Until then spec\.webhooks stays as it was/);
  assert.equal(await digest(), before3, 'what was in force stays');
  await applyTenant('first', { webhooks: { ...webhooks, secretRef: { name: `${CLUSTER}-tenants` } } });
  await untilNotReady('first', /Secret many-tenants belongs to the OpenIMCluster/);
  await applyTenant('first');
  await untilReady('first');
  await eventually(async () => assert.deepEqual(await kept(), []), LONG_MS);

  // A rotation of keys: every process has the new one before it is used, and no other tenant notices.
  const bystander = async () =>
    (await tenants()).find(({ metadata }) => metadata.name === 'second')?.metadata;
  const bystanderBefore = (await bystander())?.resourceVersion;
  const keyOf = async (entry: string) => (await secretOf(`${CLUSTER}-tenants`))?.[`first.${entry}`];
  const oldKey = await keyOf('token-secret');
  assert.ok(oldKey);
  const untilKeys = async (reason: string) => {
    await eventually(async () => {
      const { conditions } =
        (await tenants()).find(({ metadata }) => metadata.name === 'first')?.status ?? {};
      assert.equal(conditions?.find(({ type }) => type === 'KeysRotated')?.reason, reason);
    }, LONG_MS);
    return (await tenants()).find(({ metadata }) => metadata.name === 'first')?.status?.keys ?? [];
  };
  sentKeys.length = 0;
  const keys = { signing: { rotation: 'new', overlapHours: 1 } };
  await applyTenant('first', { keys });
  const rotated = await untilKeys('Overlapping');
  const nextKey = await keyOf('token-secret');
  assert.deepEqual([await keyOf('token-secret-2'), nextKey === oldKey], [oldKey, false]);
  const distinct = [...new Set(sentKeys.map((pair) => JSON.stringify(pair)))];
  assert.deepEqual(distinct, [JSON.stringify([oldKey, nextKey]), JSON.stringify([nextKey, oldKey])]);
  assert.deepEqual(
    rotated.map(({ purpose, id, state }) => [purpose, id, state]),
    [
      ['Signing', keyID(nextKey ?? ''), 'Current'],
      ['Signing', keyID(oldKey), 'Former'],
      ['Admin', keyID((await keyOf('admin-secret')) ?? ''), 'Current'],
    ],
  );
  await applyTenant('first', { keys: { ...keys, revoked: [keyID(oldKey)] } });
  const revoked = await untilKeys('Rotated');
  assert.deepEqual(
    revoked.map(({ state }) => state),
    ['Current', 'Ended', 'Current'],
  );
  await applyTenant('first');
  await untilReady('first');
  assert.equal((await bystander())?.resourceVersion, bystanderBefore);

  // Many at once, one of them invalid for the services alone.
  // Usage is written at its own times.
  const contents = async () =>
    new Map(
      (await tenants()).map(({ metadata, spec, status: { usage: _, ...status } = {} }) => [
        metadata.name,
        { spec, status },
      ]),
    );
  // The end of its rotation is written after it is in force.
  await eventually(async () => {
    const first = (await tenants()).find(({ metadata }) => metadata.name === 'first');
    assert.deepEqual(
      first?.status?.keys?.map(({ purpose, id, state }) => [purpose, id, state]),
      [
        ['Signing', keyID(nextKey ?? ''), 'Current'],
        ['Admin', keyID((await keyOf('admin-secret')) ?? ''), 'Current'],
      ],
    );
    assert.equal(first?.status?.inForceGeneration, first?.metadata.generation);
    const { conditions = [] } = first?.status ?? {};
    assert.ok(
      conditions.every(({ observedGeneration }) => observedGeneration === first?.metadata.generation),
    );
    assert.ok(!conditions.some(({ type }) => type === 'KeysRotated'));
    // Its entry without the second key is taken over once more.
    assert.ok(first && isReady(first));
  }, LONG_MS);
  const before = await contents();
  requests.reset();
  const startedAt = performance.now();
  const names = Array.from({ length: TENANTS }, (_, i) => `t${String(i).padStart(4, '0')}`);
  await applyTenant('thief', { adminNicknames: [['$', '{file:/run/x}'].join('')] });
  await eachLimited(names, 8, (name) => applyTenant(name));
  await eventually(async () => {
    const missing = (await tenants()).filter((each) => !isReady(each));
    assert.deepEqual(
      missing.map(({ metadata }) => metadata.name).slice(0, 5),
      ['thief'],
      `${missing.length} are not in force`,
    );
  }, LONG_MS);
  const seconds = (performance.now() - startedAt) / 1_000;
  const thief = (await tenants()).find(({ metadata }) => metadata.name === 'thief');
  assert.ok(thief);
  assert.equal(readyOf(thief)?.reason, 'InvalidSettings');
  assert.match(readyOf(thief)?.message ?? '', /spec\.adminNicknames\.0: .*remove it/);
  assert.equal((await real.status()).tenants?.count, TENANTS + 4);
  const perTenant = requests.total / TENANTS;
  console.log(
    `${TENANTS} tenants in force after ${seconds.toFixed(1)} s, ${perTenant.toFixed(1)} requests each (${requests})`,
  );
  assert.ok(perTenant < 6, `${perTenant} requests per tenant: ${requests}`);
  const after = await contents();
  for (const [name, content] of before) assert.deepEqual(after.get(name), content, `${name} was not written`);

  // A removed one is gone everywhere.
  await fixture.client.delete(OPENIM_TENANT, { namespace: NAMESPACE, name: 'third' });
  await eventually(async () => assert.equal((await real.status()).tenants?.count, TENANTS + 3), LONG_MS);

  // What is stored of one with deletionPolicy Purge is removed, and nothing is left in Kubernetes either.
  const { nodes } = fixture;
  const purged = { deletionPolicy: 'Purge', placement: 'Dedicated' } as const;
  await applyTenant('leaver', { ...purged, purgeAfterHours: 0 });
  await applyTenant('waiter', { ...purged, purgeAfterHours: 1 });
  await applyTenant('orphan', { ...purged, clusterRef: { name: 'nowhere' } });
  for (const name of ['leaver', 'waiter']) await untilReady(name);
  const tenantOf = async (name: string) => (await tenants()).find(({ metadata }) => metadata.name === name);
  await eventually(async () => assert.ok((await tenantOf('orphan'))?.metadata.finalizers?.length), LONG_MS);
  assert.ok(await secretOf(`${CLUSTER}.tenant.leaver`));
  nodes.purgeRounds = 3;
  const names3 = ['leaver', 'waiter', 'orphan'];
  for (const name of names3) await fixture.client.delete(OPENIM_TENANT, { namespace: NAMESPACE, name });
  await eventually(async () => {
    for (const name of ['leaver', 'orphan']) assert.equal(await tenantOf(name), undefined, name);
    assert.equal((await real.status()).tenants?.count, TENANTS + 3);
  }, LONG_MS);
  assert.deepEqual(nodes.purges, Array(3).fill('rpc leaver Dedicated'));
  await eventually(async () => {
    assert.equal(await secretOf(`${CLUSTER}.tenant.leaver`), undefined);
  }, LONG_MS);
  const keysOf = async (id: string) =>
    Object.keys(await tenantCredentials()).filter((each) => each.startsWith(`${id}.`));
  assert.deepEqual(await keysOf('leaver'), []);
  // During its grace period one says so, and may still be kept.
  await untilNotReady('waiter', /^Clients are refused\. What is stored is removed for good at .*Retain/);
  assert.ok((await tenantOf('waiter'))?.status?.deletion?.purgeAt);
  await applyTenant('waiter', { ...purged, purgeAfterHours: 1, deletionPolicy: 'Retain' });
  await eventually(async () => assert.equal(await tenantOf('waiter'), undefined), LONG_MS);
  assert.equal(nodes.purges.length, 3);
  assert.equal((await keysOf('waiter')).length, 2);

  // An invalid change leaves what is in force, also for the next operator.
  const before4 = await digest();
  await applyTenant('first', { adminNicknames: [['$', '{file:/run/x}'].join('')], friendVerify: true });
  await untilNotReady('first', /remove it\. Until then its settings of generation \d+ stay in force/);
  const held = await tenantOf('first');
  assert.equal(held?.status?.inForceGeneration, (held?.metadata.generation ?? 0) - 1);
  await operator.disposeAsync();
  await using _next = begin();
  await applyTenant('late');
  await untilReady('late');
  await fixture.client.delete(OPENIM_TENANT, { namespace: NAMESPACE, name: 'late' });
  await eventually(async () => assert.equal(await digest(), before4), LONG_MS);
  await untilNotReady('first', /Until then its settings of generation \d+ stay in force/);
  await rm(dir, { recursive: true, force: true });
});
