import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { tenantId } from '@im/contract';
import { sleep } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { replacedInMs } from '../src/current-credentials.ts';
import { createBlob } from '../src/index.ts';
import { fetchRoleCredentials } from '../src/role-credentials.ts';
import {
  newSessions,
  startContainerEndpoint,
  startMetadataService,
  startSessionStorage,
  startSts,
} from './aws-counterparts.ts';

const ROLE = 'arn:aws:iam::123456789012:role/im';
const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJpbSJ9.c2lnbmF0dXJl';
const tenant = tenantId('default');

let dir: string;
let tokenFile: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-role-'));
  tokenFile = join(dir, 'token');
  await writeFile(tokenFile, `${TOKEN}\n`);
});
after(async () => {
  await rm(dir, { recursive: true, force: true });
});

const fetchWith = (env: Record<string, string>) =>
  fetchRoleCredentials({ env, region: 'us-east-1' }, AbortSignal.timeout(10_000));

test('a web identity token is exchanged for credentials of the role', async () => {
  const sessions = newSessions();
  await using sts = await startSts({ role: ROLE, token: TOKEN, sessions });
  const env = { AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile, AWS_ROLE_ARN: ROLE, AWS_ENDPOINT_URL_STS: sts.url };
  const found = await fetchWith(env);
  assert.match(found.accessKey, /^ASIA/);
  assert.equal(sessions.given.get(found.sessionToken)?.secret, found.secretKey);
  assert.ok(found.expiresAt > Date.now());

  for (const [change, says] of [
    [{ AWS_ROLE_ARN: `${ROLE}-other` }, /refuses role arn:\S+-other \(403 AccessDenied: Not authorized/],
    [{ AWS_ROLE_ARN: '' }, /AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN; set both/],
    [{ AWS_ROLE_SESSION_NAME: 'no blanks please' }, /400 ValidationError: RoleSessionName/],
    [{ AWS_WEB_IDENTITY_TOKEN_FILE: join(dir, 'missing') }, /ENOENT/],
    [{ AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9' }, /http:\/\/127\.0\.0\.1:9 is unreachable \(/],
  ] as const) {
    await assert.rejects(fetchWith({ ...env, ...change }), says);
  }
  await writeFile(join(dir, 'forged'), `${TOKEN}x`);
  await assert.rejects(
    fetchWith({ ...env, AWS_WEB_IDENTITY_TOKEN_FILE: join(dir, 'forged') }),
    (e: Error) => {
      assert.match(e.message, /400 InvalidIdentityToken: Couldn't retrieve.*correct the role's trust policy/);
      return !e.message.includes(TOKEN);
    },
  );
});

test('the endpoint of a container is asked with its token, and over plain HTTP only if it is local', async () => {
  await using endpoint = await startContainerEndpoint(TOKEN, newSessions());
  const AWS_CONTAINER_CREDENTIALS_FULL_URI = `${endpoint.url}/v1/credentials`;
  const AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = tokenFile;
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE };
  assert.match((await fetchWith(env)).accessKey, /^ASIA/);
  await assert.rejects(fetchWith({ AWS_CONTAINER_CREDENTIALS_FULL_URI }), /answers 401; check the role/);
  const AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = '';
  for (const url of ['http://example.com/c', 'http://169.254.170.2.example.com/c', 'http://10.0.0.1/c']) {
    const elsewhere = { AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI };
    await assert.rejects(fetchWith(elsewhere), /is not a local address; use https/);
  }
});

test('the metadata service is asked with a session token, and a machine without a role is named', async () => {
  await using service = await startMetadataService('im', newSessions());
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: service.url };
  assert.match((await fetchWith(env)).accessKey, /^ASIA/);
  await using bare = await startMetadataService('', newSessions());
  await assert.rejects(fetchWith({ AWS_EC2_METADATA_SERVICE_ENDPOINT: bare.url }), /the machine has no role/);
  await assert.rejects(fetchWith({ ...env, AWS_EC2_METADATA_DISABLED: 'TRUE' }), /no role: set AWS_ROLE_ARN/);
});

test('credentials are replaced 15 minutes before their end, or at half their lifetime', () => {
  assert.equal(replacedInMs(3_600_000, 0), 2_700_000);
  assert.equal(replacedInMs(60_000, 0), 30_000);
  assert.equal(replacedInMs(1_000, 5_000), 1_000);
});

test('objects are reached with credentials of a role, also after they were replaced', async () => {
  const sessions = newSessions(6_000);
  await using sts = await startSts({ role: ROLE, token: TOKEN, sessions });
  await using storage = await startSessionStorage(sessions);
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    AWS_ROLE_ARN: ROLE,
    AWS_ENDPOINT_URL_STS: sts.url,
  });
  const [log, metrics] = [silentLogger(), createMetrics()];
  const tasks = createTaskRunner({ log, metrics });
  try {
    const blob = createBlob(
      {
        credentials: 'role',
        endpoint: storage.url,
        externalEndpoint: '',
        accessKey: '',
        secretKey: '',
        bucket: 'role',
        region: 'us-east-1',
        uploadHours: 24,
      },
      { log, metrics, tasks },
    );
    assert.match(blob.ready().reason ?? '', /s3\.credentials: no credentials of the role yet/);
    await assert.rejects(blob.stat(tenant, 'k'), /no credentials of the role yet/);
    await blob.start();
    while (!blob.ready().ready) await sleep(10);

    await blob.put(tenant, 'k', Buffer.from('value'), 'text/plain');
    const put = await fetch(await blob.presignPut(tenant, 'put', 3, 60), { method: 'PUT', body: 'abc' });
    assert.equal(put.status, 200);
    const got = await fetch(
      await blob.presignGet(tenant, 'k', 60, { contentType: 'text/plain', attachment: true }),
    );
    assert.equal(await got.text(), 'value');
    const { fields } = await blob.presignPost(
      tenant,
      'p',
      3,
      { contentType: 'image/png', attachment: false },
      new Date(Date.now() + 60_000),
    );
    assert.ok(sessions.given.has(fields['x-amz-security-token'] ?? ''));

    // Beyond the end of the first session.
    const [first] = sessions.given.values();
    await sleep((first?.end ?? 0) - Date.now() + 100);
    assert.equal((await blob.stat(tenant, 'k')).size, 5);
    assert.ok(sessions.given.size >= 2);
  } finally {
    await tasks.stop();
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  }
});
