import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { MailSettings } from '@im/contract';
import { codeMail } from '../src/code-mail.ts';
import { createMailer, type Mail } from '../src/mailer.ts';
import type { Outcome } from '../src/outcome.ts';
import { answer, type MailServerOptions, startMailServer } from './mail-server.ts';

const LOCAL = ['127.0.0.0/8', '::1'];
const MAIL: Mail = {
  ...{
    id: 'id-1',
    to: ['a@example.org'],
    subject: '验证码',
    text: '您的验证码是 012345\n',
    html: '<b>012345</b>',
  },
};
const kind = (outcome: Outcome) => (outcome.kind === 'refused' ? outcome.reason : outcome.kind);

function send(
  server: { port: number; ca: string },
  change: object = {},
  {
    mail = MAIL,
    networks = LOCAL,
    ms = 20_000,
  }: { mail?: Mail; networks?: readonly string[]; ms?: number } = {},
): Promise<Outcome> {
  const { port, ca } = server;
  const settings = {
    host: 'localhost',
    port,
    ca,
    user: 'im',
    password: 'pass',
    from: 'im@example.org',
    fromName: 'IM',
  };
  const mailer = createMailer(MailSettings.parse({ ...settings, ...change }), { allowedNetworks: networks });
  return mailer.send(mail, AbortSignal.timeout(ms));
}

test('a mail arrives encrypted by STARTTLS or TLS, or in the clear where that is set', async () => {
  for (const [options, security] of [
    [{}, 'starttls'],
    [{ tls: true }, 'tls'],
    [{ plain: true }, 'none'],
  ] as const) {
    await using server = await startMailServer(options);
    const outcome = await send(server, { security });
    assert.deepEqual(outcome, { kind: 'sent', id: '<id-1@example.org>' }, security);
    const [mail] = server.mails;
    assert.equal(mail?.encrypted, security !== 'none');
    assert.deepEqual(mail?.to, ['a@example.org']);
    for (const line of [
      'From: IM <im@example.org>',
      'Subject: =?UTF-8?B?6aqM6K+B56CB?=',
      'Message-ID: <id-1@example.org>',
      'Auto-Submitted: auto-generated',
    ])
      assert.ok(mail?.text.includes(`${line}\r\n`), `${line}\n${mail?.text}`);
  }
});

test('what a server refuses has its reason', async () => {
  const outcome = async (options: MailServerOptions, change: object = {}) => {
    await using server = await startMailServer(options);
    const result = kind(await send(server, change));
    assert.equal(server.mails.length, 0);
    return result;
  };
  assert.equal(await outcome({ onRcptTo: () => answer(550, 'no such mailbox') }), 'address');
  assert.equal(await outcome({ onRcptTo: () => answer(451, 'greylisted') }), 'unavailable');
  assert.equal(await outcome({ onMailFrom: () => answer(553, 'not your address') }), 'rejected');
  assert.equal(await outcome({ onMail: () => answer(554, 'spam') }), 'rejected');
  assert.equal(await outcome({ onMail: () => answer(452, 'disk full') }), 'unavailable');
  assert.equal(await outcome({}, { password: 'wrong' }), 'credentials');
  assert.equal(await outcome({ plain: true }), 'tls');
  assert.equal(await outcome({ name: 'mail.example.org' }), 'tls');
  assert.equal(await outcome({}, { ca: undefined }), 'tls');
});

test('a server that keeps a mail without an answer leaves it unknown, one that never greets does as well', async () => {
  await using server = await startMailServer({ onMail: () => new Promise(() => {}) });
  const startedAt = performance.now();
  assert.equal(kind(await send(server, {}, { ms: 1_500 })), 'unknown');
  assert.ok(performance.now() - startedAt < 10_000);
  const silent = createServer((socket) => socket.on('error', () => {}));
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const { port } = silent.address() as AddressInfo;
  assert.equal(kind(await send({ port, ca: server.ca }, {}, { ms: 300 })), 'unknown');
  await once(silent.close(), 'close');
  assert.equal(kind(await send({ port, ca: server.ca })), 'unavailable');
});

test('a server at an internal address is refused unless the operator allows it', async () => {
  await using server = await startMailServer();
  for (const host of ['127.0.0.1', 'localhost'])
    assert.equal(kind(await send(server, { host }, { networks: [] })), 'network', host);
  assert.equal(server.connections, 0);
});

test('nothing in a mail becomes a header, a file or a request', async () => {
  await using server = await startMailServer();
  const mail = { ...MAIL, subject: 'a\r\nBcc: b@example.org', text: 'file:///etc/passwd' };
  await send(server, { fromName: 'IM\r\nBcc: c@example.org' }, { mail });
  assert.deepEqual(server.mails[0]?.to, ['a@example.org']);
  assert.doesNotMatch(server.mails[0]?.text ?? '', /^Bcc:/m);
  assert.doesNotMatch(server.mails[0]?.text ?? '', /root:/);
});

test('a code is written in its language, with the texts of the tenant where there are any', () => {
  const code = { code: '012345', minutes: 5 };
  assert.match(codeMail(undefined, { ...code, language: 'en' }).text, /012345.*5 minutes/);
  assert.match(codeMail(undefined, { ...code, language: 'zh' }).text, /012345.*5 分钟/);
  const own = { en: { subject: 'Code {code}', text: '{code}/{code}', html: '<i>{minutes}</i>' } };
  for (const language of ['en', 'zh'] as const)
    assert.deepEqual(codeMail(own, { ...code, language }), {
      ...{ subject: 'Code 012345', text: '012345/012345', html: '<i>5</i>' },
    });
});
