import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '@im/dev-stores';
import { chooseDriver, openCluster, type UsedCluster, useCluster } from '../index.ts';
import { LOCAL, statePath } from '../local/settings.ts';
import { PAUSE_IMAGE } from '../local/system-images.ts';
import { apply } from './pods.ts';

const skip = (await chooseDriver()) === 'local' ? false : 'this machine runs kind';
const NAMESPACE = `local-${randomBytes(3).toString('hex')}`;
const VOLUMES = statePath('volumes');

/** What a cluster changes on the machine that it runs on. */
async function hostState() {
  const rules = async (command: string) =>
    (await runCommand(`${command}-save`, []).catch(() => ''))
      .split('\n')
      .filter((line) => /^-A|^:(?:KUBE|CNI)/.test(line));
  const setting = (name: string) =>
    readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').catch(() => 'none');
  return {
    links: (await readdir('/sys/class/net')).filter((name) => !name.startsWith('ifb')),
    mounts: (await readFile('/proc/self/mounts', 'utf8'))
      .split('\n')
      .filter((line) => line.includes('openim')),
    namespaces: (await runCommand('ip', ['netns', 'list']))
      .split('\n')
      .filter((line) => line.startsWith('cni-')),
    rules: [await rules('iptables'), await rules('ip6tables')],
    settings: await Promise.all(
      ['kernel.panic', 'kernel.panic_on_oops', 'vm.overcommit_memory', 'net.ipv4.ip_forward']
        .concat(['net.ipv4.conf.all.route_localnet', 'net.bridge.bridge-nf-call-iptables'])
        .map(setting),
    ),
  };
}

let used: UsedCluster;
let usedAgain: UsedCluster;
let stateBefore: Awaited<ReturnType<typeof hostState>> | undefined;

before(async () => {
  if (skip) return;
  const cluster = await openCluster();
  if (!(await cluster.isUp())) {
    // What a run that was killed has left is not the state to come back to.
    await cluster.down();
    stateBefore = await hostState();
  }
  const startedAt = performance.now();
  [used, usedAgain] = await Promise.all([useCluster(), useCluster()]);
  console.log(`used by two after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  await used.cluster.kubectl('create', 'namespace', NAMESPACE);
});
after(async () => {
  await used?.[Symbol.asyncDispose]();
  await usedAgain?.[Symbol.asyncDispose]();
});

test('two concurrent users share one cluster until both have released it', {
  skip,
}, async () => {
  const uid = (user: UsedCluster) =>
    user.cluster.kubectl('get', 'namespace', NAMESPACE, '-o', 'jsonpath={.metadata.uid}');
  assert.equal(await uid(used), await uid(usedAgain));
  await usedAgain[Symbol.asyncDispose]();
  assert.ok(await used.cluster.isUp());
});

test('names of services resolve', { skip }, async () => {
  const resolver = new Resolver();
  resolver.setServers([LOCAL.dnsService]);
  assert.deepEqual(await resolver.resolve4('kubernetes.default.svc.cluster.local'), [LOCAL.apiService]);
});

test('a volume is a folder of the machine that goes with its claim', { skip }, async () => {
  await apply(used.cluster, NAMESPACE, [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'holder' },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          { name: 'pause', image: PAUSE_IMAGE, volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        ],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      },
    },
  ]);
  await used.cluster.kubectl('-n', NAMESPACE, 'wait', 'pod/holder', '--for=condition=Ready', '--timeout=60s');
  const ours = async () => (await readdir(VOLUMES)).filter((name) => name.includes(NAMESPACE));
  assert.equal((await ours()).length, 1);
  await used.cluster.kubectl('delete', 'namespace', NAMESPACE, '--timeout=120s');
  for (let i = 0; (await ours()).length > 0; i++) {
    assert.ok(i < 60, 'the folder stays');
    await sleep(500);
  }
});

test('down gives the machine back as it was', { skip }, async (t) => {
  if (stateBefore === undefined) return t.skip('the cluster was up before and others may be using it');
  await used[Symbol.asyncDispose]();
  if (await used.cluster.isUp()) return t.skip('another process began to use the cluster');
  assert.deepEqual(await hostState(), stateBefore);
  assert.deepEqual(await processesOfCluster(), []);
});

test('down also ends the pods of a cluster whose programs were killed', { skip }, async (t) => {
  if (stateBefore === undefined || (await used.cluster.isUp())) return t.skip('others may use the cluster');
  await using again = await useCluster();
  for (const file of await readdir(statePath('pids'))) {
    const { pid } = JSON.parse(await readFile(statePath('pids', file), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
  }
  await again[Symbol.asyncDispose]();
  assert.deepEqual(await processesOfCluster(), []);
  assert.deepEqual(await hostState(), stateBefore);
});

/** Its programs, and the shims of its containers. */
async function processesOfCluster(): Promise<string[]> {
  const processes = await runCommand('ps', ['-eo', 'args']);
  return processes.split('\n').filter((line) => line.includes(LOCAL.state) || line.includes(LOCAL.run));
}
