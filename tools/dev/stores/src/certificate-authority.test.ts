import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { CertificateAuthority } from './certificate-authority.ts';

test('a leaf names its subject and hosts and is signed by its authority alone', () => {
  const authority = CertificateAuthority.create('test-ca');
  const pair = authority.issue({
    commonName: 'kube-apiserver',
    usage: 'server',
    hosts: ['localhost', 'kubernetes.default.svc', '127.0.0.1', '10.96.0.1'],
  });
  const leaf = new X509Certificate(pair.certificate);
  const ca = new X509Certificate(authority.certificate);
  assert.ok(ca.ca && !leaf.ca);
  assert.ok(leaf.checkIssued(ca) && leaf.verify(ca.publicKey) && ca.verify(ca.publicKey));
  assert.ok(leaf.checkPrivateKey(createPrivateKey(pair.key)));
  assert.equal(leaf.checkHost('kubernetes.default.svc'), 'kubernetes.default.svc');
  assert.equal(leaf.checkIP('10.96.0.1'), '10.96.0.1');
  assert.equal(leaf.checkHost('elsewhere'), undefined);
  assert.ok(!leaf.verify(new X509Certificate(CertificateAuthority.create('test-ca').certificate).publicKey));
});

test('a client is known by common name and groups over TLS', async () => {
  const authority = CertificateAuthority.create('test-ca');
  const server = authority.issue({ commonName: 'server', usage: 'server', hosts: ['127.0.0.1'] });
  const client = authority.issue({ commonName: 'alice', organizations: ['a', 'b'], usage: 'client' });
  const listener = createServer(
    { cert: server.certificate, key: server.key, ca: authority.certificate, requestCert: true },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      response.end(JSON.stringify({ CN: subject.CN, O: subject.O }));
    },
  ).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  try {
    const request = get(`https://127.0.0.1:${port}`, {
      ca: authority.certificate,
      cert: client.certificate,
      key: client.key,
    });
    const [response] = await once(request, 'response');
    const body = await response.setEncoding('utf8').toArray();
    assert.deepEqual(JSON.parse(body.join('')), { CN: 'alice', O: ['a', 'b'] });
  } finally {
    listener.close();
    listener.closeAllConnections();
  }
});

test('times, serial numbers and long names survive the encoding', () => {
  const commonName = `system:node:${'x'.repeat(200)}`;
  const authority = CertificateAuthority.create(commonName);
  for (let i = 0; i < 50; i++) {
    const leaf = new X509Certificate(authority.issue({ commonName, usage: 'client' }).certificate);
    assert.ok(leaf.subject.includes(commonName));
    assert.match(leaf.serialNumber, /^[0-9A-F]+$/);
    const years = (Date.parse(leaf.validTo) - Date.now()) / (365 * 24 * 3600 * 1000);
    assert.ok(years > 9.9 && years < 10.1, `${years}`);
    assert.ok(Date.parse(leaf.validFrom) < Date.now());
  }
});
