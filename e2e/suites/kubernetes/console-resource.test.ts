import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  adminClient,
  type ClusterResource,
  CONSOLE_COOKIE,
  createConsoleLogin,
  type Failure,
  KUBERNETES_COOKIE,
} from '@im/admin-api';
import type { DeployedCluster } from '@im/dev-cluster';
import { sharedCluster } from './shared-cluster.ts';

const SAMPLE = join(import.meta.dirname, '../../../docs/samples/console-viewer.yaml');
const VIEWER = 'openim-console-viewer';
/** Run in a pod: the files of the API server's CA, and those of a token where there were one. */
const LIST_FILES = `const { globSync } = require('node:fs');
console.log(globSync(['/etc/openim/kubernetes/*', '/var/run/secrets/**/*']).join('\\n'));`;

interface Answered {
  readonly status: number;
  readonly body: {
    readonly given?: boolean;
    readonly resource?: ClusterResource | { readonly namespace: string; readonly name: string };
    readonly error?: Failure;
  };
  readonly cookies: readonly string[];
}

describe('the console of a cluster reads its resource with the rights of the person who looks', () => {
  let cluster: DeployedCluster;
  let session = '';
  let token = '';

  async function send(path: string, method: 'GET' | 'PUT' | 'POST', cookie: string, body?: object) {
    const { api } = cluster.endpoint('default');
    const response = await fetch(`${api}/admin/v1${path}`, {
      method,
      headers: { 'x-openim-console': '1', origin: new URL(api).origin, cookie },
      ...(body && { body: JSON.stringify(body) }),
    });
    const answered: Answered = {
      status: response.status,
      body: (await response.json()) as Answered['body'],
      cookies: response.headers.getSetCookie(),
    };
    return answered;
  }
  const pairOf = ({ cookies }: Answered, name: string) =>
    cookies.find((cookie) => cookie.startsWith(`${name}=`))?.split(';')[0] ?? '';
  const kubectl = (...args: readonly string[]) =>
    cluster.testCluster.kubernetes.kubectl('-n', cluster.namespace, ...args);

  before(async () => {
    cluster = await sharedCluster();
    const { namespace, name } = cluster;
    const sample = await readFile(SAMPLE, 'utf8');
    const dir = await mkdtemp(join(tmpdir(), 'console-resource-'));
    const file = join(dir, 'viewer.yaml');
    const manifest = sample
      .replaceAll('namespace: im', `namespace: ${namespace}`)
      .replace('[chat]', `[${name}]`);
    await writeFile(file, manifest);
    await kubectl('apply', '-f', file);
    await rm(dir, { recursive: true, force: true });
    token = (await kubectl('create', 'token', VIEWER)).trim();

    const { api: apiUrl } = cluster.endpoint('default');
    const admin = adminClient({ apiUrl, token: await cluster.admin('default').token() });
    const login = await admin.call(createConsoleLogin, { body: { name: 'ann', role: 'admin' } });
    session = pairOf(await send('/console/session', 'POST', '', { token: login.token }), CONSOLE_COOKIE);
    assert.notEqual(session, '');
  });
  after(async () => {
    if (!cluster) return;
    for (const kind of ['rolebinding', 'role', 'serviceaccount'])
      await kubectl('delete', kind, VIEWER, '--ignore-not-found');
    await cluster.close();
  });

  test('pods know their resource and have no token for it', async () => {
    const { status, body } = await send('/cluster', 'GET', session);
    assert.equal(status, 200);
    assert.deepEqual(body.resource, { namespace: cluster.namespace, name: cluster.name });
    const [pod] = await cluster.pods('api');
    const name = pod?.metadata.name ?? assert.fail('a pod of api');
    // The image has no shell.
    const files = await kubectl('exec', name, '--', '/usr/bin/node', '-e', LIST_FILES);
    assert.match(files, /^\/etc\/openim\/kubernetes\/ca\.crt$/m);
    assert.doesNotMatch(files, /token/);
  });

  test('a token with the rights of the sample reads the resource as the operator reports it', async () => {
    assert.equal((await send('/cluster/resource', 'GET', session)).body.given, false);
    const given = await send('/cluster/resource/token', 'PUT', session, { token });
    assert.equal(given.status, 200, JSON.stringify(given.body));
    const cookie = `${session}; ${pairOf(given, KUBERNETES_COOKIE)}`;
    const { resource } = (await send('/cluster/resource', 'GET', cookie)).body;
    assert.ok(resource && 'conditions' in resource);
    const { status } = await cluster.resource();
    assert.equal(resource.version, status?.version);
    assert.equal(resource.conditions.find(({ type }) => type === 'Ready')?.status, 'True');
    assert.deepEqual(
      resource.components.map(({ name }) => name),
      status?.components?.map(({ name }) => name),
    );
  });

  test('the API server refuses an account without the right, and what is no token', async () => {
    const other = (await kubectl('create', 'token', 'default')).trim();
    const forbidden = await send('/cluster/resource/token', 'PUT', session, { token: other });
    assert.equal(forbidden.body.error?.kind, 'forbidden', JSON.stringify(forbidden.body));
    assert.equal(forbidden.body.error?.subject, `system:serviceaccount:${cluster.namespace}:default`);
    const garbage = await send('/cluster/resource/token', 'PUT', session, { token: 'garbage' });
    assert.equal(garbage.body.error?.kind, 'tokenRefused');
  });
});
