import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openConnection } from './connection.ts';

/** A directory with a kubeconfig whose user is `user`. */
async function kubeconfigWith(user: object) {
  const dir = await mkdtemp(join(tmpdir(), 'openim-kubeconfig-'));
  const kubeconfigPath = join(dir, 'kubeconfig');
  const write = (next: object) =>
    writeFile(
      kubeconfigPath,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'u', user: next }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    );
  await write(user);
  return { dir, kubeconfigPath, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

test('a token that was rotated is read again when the one before was refused', async () => {
  await using given = await kubeconfigWith({});
  const tokenFile = join(given.dir, 'token');
  await using config = await kubeconfigWith({
    'auth-provider': { name: 'tokenFile', config: { tokenFile } },
  });
  await writeFile(tokenFile, 'one\n');
  const connection = await openConnection({ kubeconfigPath: config.kubeconfigPath });
  assert.equal((await connection.target(false)).headers.authorization, 'Bearer one');
  await writeFile(tokenFile, 'two\n');
  assert.equal((await connection.target(false)).headers.authorization, 'Bearer one');
  assert.equal((await connection.target(true)).headers.authorization, 'Bearer two');
  connection.close();
});

test('a renewed client certificate closes idle connections and cuts no request', async () => {
  await using given = await kubeconfigWith({});
  const [cert, key] = [join(given.dir, 'cert'), join(given.dir, 'key')];
  await using config = await kubeconfigWith({ 'client-certificate': cert, 'client-key': key });
  await writeFile(cert, 'first');
  await writeFile(key, 'key');
  const connection = await openConnection({ kubeconfigPath: config.kubeconfigPath });
  const { agent } = await connection.target(false);
  let destroyed = false;
  agent.destroy = () => {
    destroyed = true;
  };
  await writeFile(cert, 'second');
  const renewed = await connection.target(true);
  assert.notEqual(renewed.agent, agent);
  assert.deepEqual([destroyed, agent.maxFreeSockets], [false, 0]);
  connection.close();
});
