import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Backend, CertificateAuthority, startNats } from '@im/dev-stores';
import { sleep } from '@im/kit';
import { startTestBus } from './bus-harness.ts';

const authority = CertificateAuthority.create('nats');
const stranger = CertificateAuthority.create('stranger');
const issue = (usage: 'client' | 'server') =>
  authority.issue({ commonName: usage, usage, hosts: ['localhost'] });

let dir: string;
let nats: Backend;

async function pem(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

before(async () => {
  delete process.env.NATS_URL;
  dir = await mkdtemp(join(tmpdir(), 'im-bus-tls-'));
  const server = issue('server');
  const certFile = await pem('server.crt', server.certificate);
  const keyFile = await pem('server.key', server.key);
  const caFile = await pem('server-ca.crt', authority.certificate);
  nats = await startNats({
    dir: join(dir, 'nats'),
    // Plain connections are for the probe that waits for the server.
    extraConfig: `allow_non_tls: true
tls { cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${caFile}", verify: true }`,
  });
});
after(async () => {
  await nats?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

async function tls(ca: CertificateAuthority, given?: 'client') {
  const client = given && issue('client');
  return {
    caFile: await pem('ca.crt', ca.certificate),
    certFile: client ? await pem('tls.crt', client.certificate) : '',
    keyFile: client ? await pem('tls.key', client.key) : '',
  };
}

async function readinessWith(files: Awaited<ReturnType<typeof tls>>, ready: boolean): Promise<string> {
  await using started = await startTestBus(nats.uri.replace('127.0.0.1', 'localhost'), { tls: files });
  for (const deadline = Date.now() + 10_000; ; await sleep(20)) {
    const now = started.bus.ready();
    if (now.ready && ready) return 'ready';
    if (!now.ready && !ready && now.reason !== undefined && now.reason !== 'connecting to NATS') {
      return now.reason;
    }
    assert.ok(Date.now() < deadline, `not within time: ${JSON.stringify(now)}`);
  }
}

test('NATS is reached with the CA and the client certificate', async () => {
  assert.equal(await readinessWith(await tls(authority, 'client'), true), 'ready');
});

test('a NATS server of another CA is refused with a reason that names the certificate', async () => {
  assert.match(await readinessWith(await tls(stranger, 'client'), false), /NATS unavailable: .*certificate/);
});

test('without its client certificate NATS refuses the connection', async () => {
  assert.match(await readinessWith(await tls(authority), false), /NATS unavailable/);
});
