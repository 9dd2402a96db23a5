import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EXIT } from '../src/exit-codes.ts';
import { run } from './openimctl.ts';

const dir = mkdtempSync(join(tmpdir(), 'openimctl-config-'));
after(() => rmSync(dir, { recursive: true }));

function file(text: string): string {
  const path = join(dir, 'im.yaml');
  writeFileSync(path, text);
  return path;
}

test('config check names every fault, of tenants and of the rest, and no secret', async () => {
  const path = file(`
gateway: { port: nonsense }
tenants:
  - { id: shop, tokenSecret: hush-hush, adminSecret: hush-hush, hosts: [im.example] }
  - { id: Bad, tokenSecret: hush-hush, adminSecret: hush-hush }
  - { id: less, tokenSecret: hush-hush }
  - { id: limit, tokenSecret: hush-hush, adminSecret: hush-hush, quotas: { users: -5 } }
  - { id: shop, tokenSecret: hush-hush, adminSecret: hush-hush }
  - { id: host, tokenSecret: hush-hush, adminSecret: hush-hush, hosts: [IM.example] }
`);
  const { code, stdout, stderr } = await run(['config', 'check', path]);
  assert.equal(code, EXIT.usage);
  assert.equal(stdout, '');
  for (const fault of [
    /gateway\.port: /,
    /tenants\.1\.id: must be 1 to 63/,
    /tenants\.2\.adminSecret \(less\): is missing/,
    /tenants\.3\.quotas\.users \(limit\): /,
    /tenants\.4\.id \(shop\): is also that of entry 0/,
    /tenants\.5\.hosts \(host\): im\.example belongs to entry 0/,
  ]) {
    assert.match(stderr, fault);
  }
  assert.ok(!stderr.includes('hush'));
});

test('config check passes a file in which every tenant is valid', async () => {
  const path = file('tenants: [{ id: shop, tokenSecret: a, adminSecret: b }]');
  const { code, stdout } = await run(['config', 'check', path, '-o', 'json']);
  assert.equal(code, EXIT.ok);
  assert.deepEqual(JSON.parse(stdout), { file: path, valid: true, tenants: ['shop'] });
});

test('config check reads the files for TLS that the config names', async () => {
  const ca = join(dir, 'ca.crt');
  writeFileSync(ca, 'no certificate');
  const path = file(`
redis: { uri: 'rediss://redis:6379', tls: { caFile: ${ca} } }
mongo: { tls: { certFile: ${join(dir, 'missing.crt')}, keyFile: ${join(dir, 'missing.key')} } }
`);
  const { code, stderr } = await run(['config', 'check', path]);
  assert.equal(code, EXIT.usage);
  assert.match(stderr, /redis\.tls\.caFile: .*ca\.crt has no PEM certificate; name a file/);
  assert.match(stderr, /mongo\.tls\.certFile: ENOENT.*correct the name/);

  const half = file('redis: { tls: { certFile: /a } }\ns3: { endpoint: "http://s3", tls: { caFile: /a } }');
  const refused = await run(['config', 'check', half]);
  assert.match(refused.stderr, /redis\.tls\.keyFile: certFile and keyFile must be set together/);
  assert.match(refused.stderr, /s3\.endpoint: must start with https:\/\//);
});
