import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { apply, type DeployedCluster } from '@im/dev-cluster';
import { SHARED, sharedCluster } from './shared-cluster.ts';

/** People who may only look, with exactly the Role of the documentation, use openimctl on a cluster. */

const root = join(import.meta.dirname, '../../..');
const { namespace, name } = SHARED;
const dir = mkdtempSync(join(tmpdir(), 'im-observer-'));
const kubeconfig = join(dir, 'kubeconfig');
let cluster: DeployedCluster;

/** The Role of the page about openimctl, in a file. */
function documentedRole(): string {
  const page = readFileSync(join(root, 'docs/operations/openimctl.md'), 'utf8');
  const [, block] = /```yaml\n(apiVersion: rbac[\s\S]*?)```/.exec(page) ?? [];
  assert.ok(block, 'the page has a Role');
  const file = join(dir, 'role.yaml');
  writeFileSync(file, block);
  return file;
}

before(async () => {
  cluster = await sharedCluster();
  const { kubernetes } = cluster.testCluster;
  const metadata = { name: 'openim-observer', namespace };
  await kubernetes.kubectl('apply', '-n', namespace, '-f', documentedRole());
  await apply(kubernetes, [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: metadata.name, namespace }],
    } as never,
  ]);
  const token = (await kubernetes.kubectl('-n', namespace, 'create', 'token', metadata.name)).trim();
  const admin = JSON.parse(await kubernetes.kubectl('config', 'view', '--raw', '-o', 'json'));
  const [{ cluster: server }] = admin.clusters;
  const named = 'observer';
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': named },
      clusters: [{ name: named, cluster: server }],
      users: [{ name: named, user: { token } }],
      contexts: [{ name: named, context: { cluster: named, user: named, namespace } }],
    }),
    { mode: 0o600 },
  );
});
after(async () => {
  await cluster?.close();
  rmSync(dir, { recursive: true, force: true });
});

function start(args: readonly string[]) {
  const main = join(root, 'cli/src/main.ts');
  const env = { ...process.env, KUBECONFIG: kubeconfig, OPENIM_CTL_CONFIG: join(dir, 'none.json') };
  return spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function openimctl(...args: string[]): Promise<string> {
  const child = start(args);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<[number | null]>((resolve) => child.once('close', (exit) => resolve([exit]))),
  ]);
  assert.equal(code, 0, `openimctl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

test('sees the cluster, its status, what happened to it and who does what', async () => {
  const listed = JSON.parse(await openimctl('cluster', 'list', '-o', 'json'));
  assert.partialDeepStrictEqual(listed, [{ namespace, name, ready: true }]);
  assert.match(
    await openimctl('cluster', 'status', name, '-o', 'wide'),
    new RegExp(`^${namespace}/${name} is ready`),
  );
  const events = JSON.parse(await openimctl('cluster', 'events', name, '-o', 'json'));
  const reasons = new Set(events.map(({ reason }: { reason: string }) => reason));
  assert.ok(events.length > 0 && reasons.size > 1, [...reasons].join());
  const own = JSON.parse(await openimctl('cluster', 'events', name, '--own', '-o', 'json'));
  assert.ok(own.every(({ object }: { object: string }) => object === `openimcluster/${name}`));
  const times = events.map(({ time }: { time: string }) => time);
  assert.deepEqual(times, times.toSorted());
});

test('reads the logs of a role over all of its pods, and follows them', async () => {
  const lines = (await openimctl('cluster', 'logs', name, '--role', 'gateway', '--tail', '5'))
    .trim()
    .split('\n');
  const pods = new Set(lines.map((line) => line.split(' ', 1)[0]));
  assert.ok(
    pods.size >= 2 && [...pods].every((pod) => pod?.startsWith(`${name}-gateway-`)),
    lines.join('\n'),
  );
  assert.ok(
    lines.every((line) => / \| \{"level"/.test(line)),
    lines.join('\n'),
  );
  const following = start(['cluster', 'logs', name, '--role', 'rpc', '-f', '--tail', '1']);
  try {
    const { value } = await following.stdout[Symbol.asyncIterator]().next();
    assert.match(String(value), new RegExp(`^${name}-rpc-`));
  } finally {
    following.kill('SIGTERM');
  }
});

test('watches processes and tenants through the API server', async () => {
  const figures = JSON.parse(
    await openimctl('top', '--cluster', `${namespace}/${name}`, '--once', '-o', 'json'),
  );
  assert.deepEqual(figures.problems, []);
  const roles = new Set(figures.processes.flatMap(({ roles: each }: { roles: string[] }) => each));
  for (const role of ['gateway', 'api', 'transfer']) assert.ok(roles.has(role), [...roles].join());
  assert.ok(
    figures.processes.every(({ cpuPercent }: { cpuPercent: unknown }) => typeof cpuPercent === 'number'),
  );
});

test('may do no more: no Secrets, no changes', async () => {
  const { kubernetes } = cluster.testCluster;
  const may = async (verb: string, resource: string) =>
    (
      await kubernetes
        .kubectl(`--kubeconfig=${kubeconfig}`, 'auth', 'can-i', verb, resource, '-n', namespace)
        .catch((error: unknown) => String(error))
    ).includes('yes');
  assert.equal(await may('get', 'pods/log'), true);
  for (const [verb, resource] of [
    ['get', 'secrets'],
    ['patch', 'openimclusters'],
    ['delete', 'pods'],
    ['create', 'pods/exec'],
  ] as const)
    assert.equal(await may(verb, resource), false, `${verb} ${resource}`);
});
