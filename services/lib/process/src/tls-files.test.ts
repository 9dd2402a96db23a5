import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CertificateAuthority } from '@im/dev-stores';
import { tlsContext, tlsFault } from './tls-files.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-tls-'));
after(() => rmSync(dir, { recursive: true }));

const authority = CertificateAuthority.create('test');
const [one, two] = [1, 2].map((n) => authority.issue({ commonName: `c${n}`, usage: 'client' }));
assert.ok(one && two);

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const files = (given: Partial<Record<'caFile' | 'certFile' | 'keyFile', string>>) => ({
  caFile: '',
  certFile: '',
  keyFile: '',
  ...given,
});

function recorder() {
  const lines: string[] = [];
  return {
    lines,
    log: {
      info: (_fields: object, message: string) => lines.push(message),
      warn: ({ err }: { err: Error }, message: string) => lines.push(`${message}: ${err.message}`),
    } as unknown as Parameters<typeof tlsContext>[2],
  };
}

test('no named file is no context', () => {
  assert.equal(tlsContext(undefined, 'redis.tls', recorder().log), undefined);
  assert.equal(tlsContext(files({}), 'redis.tls', recorder().log), undefined);
  assert.equal(tlsFault(files({}), 'redis.tls'), undefined);
});

test('files that cannot be used are named with their setting and a remedy', () => {
  const certFile = file('a.crt', one.certificate);
  const keyFile = file('a.key', one.key);
  for (const [given, says] of [
    [{ caFile: join(dir, 'missing') }, /redis\.tls\.caFile: ENOENT.*missing'; correct the name$/],
    [{ caFile: file('key.pem', one.key) }, /redis\.tls\.caFile: .*key\.pem has no PEM certificate; name a/],
    [{ caFile: file('bad.pem', one.certificate.replace(/M/g, 'N')) }, /caFile: .*invalid certificate/],
    [
      { certFile, keyFile: file('b.key', two.key) },
      /redis\.tls\.keyFile: .*b\.key is not the private key of/,
    ],
  ] as const) {
    assert.match(tlsFault(files(given), 'redis.tls') ?? 'none', says);
    assert.throws(() => tlsContext(files(given), 'redis.tls', recorder().log), says);
  }
  assert.equal(tlsFault(files({ certFile, keyFile }), 'redis.tls'), undefined);
});

test('changed files are loaded by the next connection, unusable ones never', () => {
  const { lines, log } = recorder();
  const names = { certFile: file('r.crt', one.certificate), keyFile: file('r.key', one.key) };
  const context = tlsContext(files(names), 'redis.tls', log);
  const first = context?.context;
  assert.ok(first);
  assert.equal(context.context, first, 'unchanged files are not read again');

  file('r.crt', `${two.certificate}\n`);
  assert.equal(context.context, first, 'the key does not belong to the certificate yet');
  assert.equal(context.context, first);
  assert.match(lines.join('\n'), /^changed files .*redis\.tls\.keyFile: \S+ is not the private key.*$/);

  file('r.key', `${two.key}\n`);
  assert.notEqual(context.context, first);
  assert.deepEqual(lines.slice(1), ['files for TLS were loaded again']);
});
