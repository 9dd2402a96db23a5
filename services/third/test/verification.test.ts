import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type TenantSettingsInput, tenantSettings, type VerificationSettings } from '@im/contract';
import { make } from '@im/protocol';
import { as, describeDomain, refuses, TENANTS } from '@im/testing';
import { SMTPServer } from 'smtp-server';
import { thirdService } from '../src/index.ts';

const [tenant, other] = TENANTS;
const domain = describeDomain(thirdService, { config: { webhooks: { allowedNetworks: ['127.0.0.0/8'] } } });

/** Texts of mails by receiver, newest last. */
const mails = new Map<string, string[]>();
let refuse: Error | undefined;
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  disableReverseLookup: true,
  onRcptTo: (_address, _session, callback) => callback(refuse),
  onData(stream, { envelope }, callback) {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const to = envelope.rcptTo[0]?.address ?? '';
      mails.set(to, [...(mails.get(to) ?? []), Buffer.concat(chunks).toString()]);
      callback();
    });
  },
});
before(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
});
after(() => server.close());

type Verification = Partial<VerificationSettings>;

/** Gives both tenants settings of codes. */
function use(verification: Verification = {}, more: Partial<TenantSettingsInput> = {}): void {
  const { port } = server.server.address() as AddressInfo;
  const mail = { host: '127.0.0.1', port, security: 'none', from: 'im@example.org' } as const;
  for (const id of TENANTS)
    domain.tenants.put(
      tenantSettings({
        ...{ id, tokenSecret: `secret-${id}`, adminSecret: 's', mail },
        verification: { language: 'en', ...verification },
        ...more,
      }),
    );
}

interface Request {
  readonly mail?: string;
  readonly phone?: string;
  readonly purpose?: string;
  readonly clientIP?: string;
  readonly language?: string;
}
const admin = (id = tenant) => as(id, 'imAdmin', true);
const send = ({ purpose = 'login', ...rest }: Request, ctx = admin()) =>
  domain.third.sendVerificationCode(ctx, make('third.SendVerificationCodeReq', { purpose, ...rest }));
const verify = (code: string, { purpose = 'login', ...rest }: Request, ctx = admin()) =>
  domain.third.verifyCode(ctx, make('third.VerifyCodeReq', { purpose, code, ...rest }));

/** The code of the newest mail to an address. */
function codeTo(address: string): string {
  const code = /\b[0-9]{6}\b/.exec(mails.get(address)?.at(-1)?.split('\r\n\r\n').at(-1) ?? '')?.[0];
  assert.ok(code, `no code for ${address}`);
  return code;
}
const wrong = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

test('a code that was mailed is valid once, for its address, purpose and tenant', async () => {
  use();
  const to = { mail: 'once@example.org' };
  const sent = await send(to);
  assert.deepEqual([sent.expireSeconds, sent.resendSeconds], [300, 60]);
  const code = codeTo(to.mail);
  assert.match(mails.get(to.mail)?.[0] ?? '', /^Subject: Verification code/m);
  await refuses(10009, verify(code, { ...to, purpose: 'reset' }));
  await refuses(10009, verify(code, { mail: 'else@example.org' }));
  await refuses(10009, verify(code, to, admin(other)));
  await refuses(10009, verify('666666', { mail: 'never@example.org' }));
  const results = await Promise.allSettled(
    Array.from({ length: 4 }, () => verify(code, { mail: 'Once@Example.org' })),
  );
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  await refuses(10009, verify(code, to));
});

test('a code is void after its attempts, however many are made at once, and when its time is over', async (t) => {
  use({ attempts: 3 });
  const to = { mail: 'guess@example.org' };
  await send(to);
  const code = codeTo(to.mail);
  await Promise.all(Array.from({ length: 10 }, () => refuses(10009, verify(wrong(code), to))));
  await refuses(10009, verify(code, to));

  const late = { mail: 'late@example.org' };
  await send(late);
  const now = Date.now();
  t.mock.method(Date, 'now', () => now + 301_000);
  await refuses(10009, verify(codeTo(late.mail), late));
});

test('codes to an address, from an IP address and of a tenant are limited, and other tenants are not', async (t) => {
  use({ perAddressPerDay: 2, perIPPerDay: 4, perDay: 4 });
  let now = Date.UTC(2040, 0, 1, 12);
  t.mock.method(Date, 'now', () => now);
  const soon = { mail: 'soon@example.org', clientIP: '192.0.2.1' };
  const both = await Promise.allSettled([send(soon), send({ ...soon, purpose: 'bind' })]);
  assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
  await refuses(10006, send(soon));
  const first = codeTo(soon.mail);
  now += 61_000;
  await send(soon);
  assert.notEqual(codeTo(soon.mail), first);
  await refuses(10009, verify(first, soon));
  now += 61_000;
  await refuses(429, send(soon));
  await send({ mail: 'third@example.org', clientIP: '192.0.2.1' });
  await refuses(429, send({ mail: 'fourth@example.org', clientIP: '192.0.2.1' }));
  await send({ mail: 'fourth@example.org', clientIP: '192.0.2.2' });
  await refuses(429, send({ mail: 'fifth@example.org' }));
  await send({ mail: 'fifth@example.org' }, admin(other));
  now += 86_400_000;
  await send({ mail: 'fifth@example.org' });
});

test('a mail that was refused counts for nothing but its IP address, and leaves no code', async (t) => {
  use({ perAddressPerDay: 1, perIPPerDay: 2 });
  const now = Date.UTC(2041, 0, 1);
  t.mock.method(Date, 'now', () => now);
  const to = { mail: 'refused@example.org', clientIP: '192.0.2.9' };
  refuse = Object.assign(new Error('no such mailbox'), { responseCode: 550 });
  await refuses(1001, send(to));
  refuse = undefined;
  await send(to);
  await refuses(429, send({ mail: 'next@example.org', clientIP: '192.0.2.9' }));
  const sends = await domain.metrics.values('openim_verification_sends_total');
  assert.ok(sends.some(({ labels }) => labels.outcome === 'refused' && labels.channel === 'mail'));
});

test('neither codes nor addresses can be read in the database', async () => {
  use();
  await send({ mail: 'hidden@example.org', clientIP: '198.51.100.77' });
  const code = codeTo('hidden@example.org');
  for (const name of ['verification_code', 'verification_count']) {
    const text = JSON.stringify(await domain.store.shared(name).find({}).toArray());
    for (const secret of ['hidden', 'example.org', `"${code}"`, '198.51.100.77'])
      assert.ok(!text.includes(secret));
  }
});

test('who may send, to whom, and for what', async () => {
  use();
  const to = { mail: 'a@example.org' };
  await refuses(1002, send(to, as(tenant, 'u1')));
  await refuses(1002, verify('123456', to, as(tenant, 'u1')));
  await refuses(1001, send({ ...to, purpose: 'other' }));
  await refuses(1001, send({ ...to, language: 'xx' }));
  await refuses(1001, send({ ...to, clientIP: 'x' }));
  await refuses(1001, send({}));
  await refuses(1001, send({ phone: '+8613800000000' }));
  use({ callers: 'users' });
  await send({ mail: 'user@example.org' }, as(tenant, 'u1'));
  await verify(codeTo('user@example.org'), { mail: 'user@example.org' }, as(tenant, 'u1'));
  const sms = { countries: ['+86'], order: ['aliyun'] } as unknown as VerificationSettings['sms'];
  use({ sms, dryRun: true });
  await refuses(1001, send({ phone: '+4915112345678' }));
  await send({ phone: '+8613800000001' });
  use({}, { verification: undefined });
  await refuses(1001, send(to));
  await refuses(1001, verify('123456', to));
});

test('administrators see what each provider answers to a test, which makes no valid code', async () => {
  use();
  const run = (fields: object, ctx = admin()) =>
    domain.third.testVerification(ctx, make('third.TestVerificationReq', fields));
  const to = { mail: 'test@example.org' };
  const { results } = await run(to);
  assert.deepEqual(
    results.map(({ provider, outcome }) => [provider, outcome]),
    [['smtp', 'sent']],
  );
  assert.equal(codeTo(to.mail), '000000');
  await refuses(10009, verify('000000', to));
  refuse = Object.assign(new Error('greylisted'), { responseCode: 451 });
  const [failed] = (await run(to)).results;
  refuse = undefined;
  assert.deepEqual([failed?.outcome, failed?.reason], ['refused', 'unavailable']);
  assert.match(failed?.detail ?? '', /greylisted/);
  await refuses(1002, run(to, as(tenant, 'u1')));
});
