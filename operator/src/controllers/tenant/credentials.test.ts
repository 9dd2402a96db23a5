import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenant } from '../../../test/tenant-fixture.ts';
import type { OpenIMTenantSpec } from '../../gen/openimtenant.ts';
import { CredentialSources } from './credential-sources.ts';
import type { FoundSecret } from './credentials.ts';
import { judgeTenant } from './entry.ts';
import { NO_TENANTS, settingsInForce } from './settings-in-force.ts';
import { wantedTenants } from './wanted.ts';

const whsec = (fill: number) => `whsec_${Buffer.alloc(24, fill).toString('base64')}`;
const file = (key: string) => ['$', `{file:/etc/openim/secrets/tenants/${key}}`].join('');

const SPEC: Partial<OpenIMTenantSpec> = {
  friendVerify: true,
  webhooks: {
    url: 'https://shop.test/im',
    secretRef: { name: 'hooks' },
    previousSecretRef: { name: 'hooks', key: 'old' },
    events: [{ name: 'afterSendSingleMsg' }],
  },
  push: {
    content: 'Title',
    providers: {
      fcm: { serviceAccountSecretRef: { name: 'phones', key: 'fcm.json' } },
      apns: { keySecretRef: { name: 'phones' }, keyID: 'K', teamID: 'T', topic: 'shop' },
    },
  },
};
const HOOKS = { secret: `${whsec(1)}\n`, old: whsec(2) };
const PHONES = { 'fcm.json': '{"project_id":"shop"}', key: '-----BEGIN PRIVATE KEY-----\nabc\n' };

const judged = (
  secrets: Readonly<Record<string, FoundSecret>>,
  inForce = settingsInForce(NO_TENANTS, () => ({})).section,
) => judgeTenant(tenant('shop', 0, SPEC), 1, { lookup: (name) => secrets[name], inForce });

test('credentials are read from Secrets, and the config refers to the Secret of tenants', () => {
  const { entry, fault, broken, secrets } = judged({ hooks: HOOKS, phones: PHONES });
  assert.equal(fault ?? broken, undefined);
  assert.deepEqual(entry.webhooks, {
    url: 'https://shop.test/im',
    secret: file('shop.webhooks.secret'),
    previousSecret: file('shop.webhooks.previousSecret'),
    events: { afterSendSingleMsg: { enable: true } },
  });
  assert.deepEqual(entry.push, {
    content: 'title',
    providers: {
      fcm: { serviceAccount: file('shop.push.providers.fcm.serviceAccount') },
      apns: { key: file('shop.push.providers.apns.key'), keyID: 'K', teamID: 'T', topic: 'shop' },
    },
  });
  // Without the last line end, as processes read them from files.
  assert.deepEqual(secrets, {
    'shop.webhooks.secret': whsec(1),
    'shop.webhooks.previousSecret': whsec(2),
    'shop.push.providers.fcm.serviceAccount': '{"project_id":"shop"}',
    'shop.push.providers.apns.key': '-----BEGIN PRIVATE KEY-----\nabc',
  });
  const sent = wantedTenants([entry], secrets, undefined, 1).entries.get('shop');
  assert.partialDeepStrictEqual(sent, { webhooks: { secret: whsec(1), previousSecret: whsec(2) } });
});

const REFUSED: readonly [what: string, secrets: Readonly<Record<string, FoundSecret>>, says: RegExp][] = [
  [
    'a Secret that does not exist',
    { phones: PHONES },
    /^SecretMissing: spec\.webhooks\.secretRef: Secret hooks does not exist in this namespace; create it/,
  ],
  [
    'a key that is missing',
    { hooks: { secret: whsec(1), other: '' }, phones: PHONES },
    /^SecretKeyMissing: spec\.webhooks\.previousSecretRef: Secret hooks has no value under key old \(its keys: other, secret\); add it/,
  ],
  [
    'a value that the services reject, which is not quoted',
    { hooks: { ...HOOKS, secret: 'hunter2' }, phones: PHONES },
    /^SecretInvalid: spec\.webhooks\.secretRef: the value of key secret in Secret hooks is invalid \(must be whsec_ [^)]*\); correct it/,
  ],
  [
    'a Secret of the cluster',
    { hooks: 'cluster', phones: PHONES },
    /^SecretNotAllowed: spec\.webhooks\.secretRef: Secret hooks belongs to the OpenIMCluster/,
  ],
];

for (const [what, secrets, says] of REFUSED) {
  test(`${what} refuses its section alone`, () => {
    const { entry, fault, broken } = judged(secrets);
    assert.match(`${broken?.reason}: ${broken?.message}`, says);
    assert.match(broken?.message ?? '', /Until then spec\.webhooks is left out; all other settings apply$/);
    assert.doesNotMatch(broken?.message ?? '', /hunter2/);
    assert.equal(fault, undefined);
    assert.equal(entry.webhooks, undefined);
    assert.equal(entry.friendVerify, true);
    assert.deepEqual(Object.keys(entry.push?.providers ?? {}), ['fcm', 'apns']);
  });
}

test('a provider without its credentials takes no other along', () => {
  const { entry, broken } = judged({ hooks: HOOKS, phones: { 'fcm.json': '{}' } });
  assert.match(
    broken?.message ?? '',
    /^spec\.push\.providers\.apns\.keySecretRef: Secret phones has no value under key key/,
  );
  assert.deepEqual(Object.keys(entry.push?.providers ?? {}), ['fcm']);
  assert.notEqual(entry.webhooks, undefined);
});

test('a section whose credentials vanish stays as it was in force, also for an operator that has just started', () => {
  const before = judged({ hooks: HOOKS, phones: PHONES });
  const { tokenSecret: _, ...entry } = { tokenSecret: '', ...before.entry };
  const texts = [JSON.stringify({ tenants: [] }), `tenantsRevision: 7\ntenants: ${JSON.stringify([entry])}`];
  const {
    entry: after,
    secrets,
    broken,
  } = judged(
    { phones: PHONES },
    settingsInForce({ ...NO_TENANTS, configs: texts }, () => ({
      ...before.secrets,
      'shop.token-secret': 'x',
    })).section,
  );
  assert.match(broken?.message ?? '', /Until then spec\.webhooks stays as it was/);
  assert.deepEqual(after, before.entry);
  assert.deepEqual(secrets, before.secrets);
  // Its values are gone, too.
  assert.equal(
    judged({ phones: PHONES }, settingsInForce({ ...NO_TENANTS, configs: texts }, () => ({})).section).entry
      .webhooks,
    undefined,
  );
});

test('the settings of a tenant are found in the newest config, without its keys, unless their credentials are lost', () => {
  const { entry, secrets } = judged({ hooks: HOOKS, phones: PHONES });
  const stored = { ...entry, tokenSecret: file('shop.token-secret'), adminSecret: file('shop.admin-secret') };
  const texts = [
    `tenantsRevision: 9\ntenants: ${JSON.stringify([stored])}`,
    `tenantsRevision: 8\ntenants: ${JSON.stringify([{ id: 'shop' }])}`,
  ];
  const { entry: find } = settingsInForce({ ...NO_TENANTS, configs: texts }, () => ({
    ...secrets,
    'shop.token-secret': 'x',
  }));
  assert.deepEqual(find('shop'), { entry, secrets, shard: undefined });
  assert.equal(find('other'), undefined);
  assert.equal(settingsInForce({ ...NO_TENANTS, configs: texts }, () => ({})).entry('shop'), undefined);
});

test('a changed Secret is noticed, one that is read again is not, and sections outlive it', () => {
  const all = new CredentialSources();
  const recover = settingsInForce(NO_TENANTS, () => ({}));
  assert.equal(all.set('ns/im', new Map([['ns/hooks', HOOKS]]), recover), true);
  const { sources, used } = all.of('ns/im', 'ns');
  const { sections } = judgeTenant(tenant('shop', 0, { webhooks: SPEC.webhooks ?? {} }), 1, sources);
  all.remember('ns/im', 'shop', sections);
  assert.equal(all.set('ns/im', new Map([['ns/hooks', HOOKS]]), recover), false);
  assert.equal(all.isCurrent('ns/im', used), true);
  assert.equal(all.set('ns/im', new Map([['ns/other', undefined]]), recover), true, 'another name');
  assert.equal(all.covers('ns/im', ['ns/other', 'ns/hooks']), false);
  assert.equal(all.set('ns/im', new Map([['ns/hooks', undefined]]), recover), true);
  assert.equal(all.isCurrent('ns/im', used), false);
  assert.deepEqual(all.of('ns/im', 'ns').sources.inForce('shop', 'webhooks'), sections.get('webhooks'));
  all.retain('ns/im', new Set());
  assert.equal(all.of('ns/im', 'ns').sources.inForce('shop', 'webhooks'), undefined);
});

test('mail and each provider of SMS read their credentials from Secrets, and one without them is left out', () => {
  const templates = { zh: { signName: 'Shop', templateCode: 'SMS_1', params: { code: '{code}' } } };
  const spec: Partial<OpenIMTenantSpec> = {
    mail: { host: 'smtp.shop.test', user: 'im', passwordSecretRef: { name: 'mail' }, from: 'im@shop.test' },
    healthReport: { to: ['ops@shop.test'], when: 'Problems' },
    verification: {
      perDay: 100,
      sms: {
        countries: ['+86'],
        aliyun: { accessKeyID: 'A', accessKeySecretRef: { name: 'sms', key: 'aliyun' }, templates },
        tencent: {
          ...{ secretID: 'T', secretKeySecretRef: { name: 'sms' }, appID: '14' },
          templates: { en: { templateID: '9', params: ['{code}'] } },
        },
      },
    },
  };
  const found = (sms: FoundSecret) =>
    judgeTenant(tenant('shop', 0, spec), 1, {
      lookup: (name) => ({ mail: { password: 'p' }, sms })[name],
      inForce: settingsInForce(NO_TENANTS, () => ({})).section,
    });
  const { entry, fault, broken, secrets } = found({ aliyun: 'a', secretKey: 't' });
  assert.equal(fault ?? broken, undefined);
  assert.deepEqual(entry.mail, {
    ...{ host: 'smtp.shop.test', user: 'im', password: file('shop.mail.password'), from: 'im@shop.test' },
  });
  assert.deepEqual(entry.healthReport, { to: ['ops@shop.test'], when: 'problems' });
  assert.deepEqual(entry.verification, {
    perDay: 100,
    sms: {
      countries: ['+86'],
      aliyun: {
        accessKeyID: 'A',
        accessKeySecret: file('shop.verification.sms.aliyun.accessKeySecret'),
        templates,
      },
      tencent: {
        ...{ secretID: 'T', secretKey: file('shop.verification.sms.tencent.secretKey'), appID: '14' },
        templates: { en: { templateID: '9', params: ['{code}'] } },
      },
    },
  });
  assert.deepEqual(secrets, {
    'shop.mail.password': 'p',
    'shop.verification.sms.aliyun.accessKeySecret': 'a',
    'shop.verification.sms.tencent.secretKey': 't',
  });
  const partial = found({ aliyun: 'a' });
  assert.equal(partial.fault, undefined);
  assert.match(partial.broken?.message ?? '', /spec\.verification\.sms\.tencent\.secretKeySecretRef/);
  assert.deepEqual(Object.keys(partial.entry.verification?.sms ?? {}).toSorted(), ['aliyun', 'countries']);
});
