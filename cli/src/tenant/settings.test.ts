import assert from 'node:assert/strict';
import { test } from 'node:test';
import { merged, type Settings, type SettingsOptions, settingsOf, unset } from './settings.ts';

const NONE: SettingsOptions = { set: [], quota: [], host: [], adminUser: [] };

test('settings are set by path, with YAML values', async () => {
  const settings = await settingsOf({
    ...NONE,
    host: ['a.example', 'b.example'],
    quota: ['users=1000', 'connections=0'],
    set: ['tokenPolicy.expireDays=7', 'suspended=true', 'webhooks.events=[{ name: beforeSendGroupMsg }]'],
  });
  const expected: Settings = {
    hosts: ['a.example', 'b.example'],
    quotas: { users: 1000, connections: 0 },
    tokenPolicy: { expireDays: 7 },
    suspended: true,
    webhooks: { events: [{ name: 'beforeSendGroupMsg' }] },
  };
  assert.deepEqual({ ...settings }, expected);
  unset(settings, ['quotas.messagesPerSecond', 'friendVerify']);
  assert.deepEqual(
    [settings.friendVerify, settings.quotas],
    [null, { users: 1000, connections: 0, messagesPerSecond: null }],
  );
});

test('a setting that is none is refused by the name of its option', async () => {
  const refused: [Partial<SettingsOptions>, RegExp][] = [
    [{ set: ['quotas.users'] }, /^--set: quotas.users has no =$/],
    [{ set: ['hosts[0]=a'] }, /^--set: hosts\[0\] is not a path/],
    [{ set: ['__proto__.x=1'] }, /^--set: __proto__.x is not a path/],
    [{ set: ['suspended='] }, /^--set: suspended has no value; --unset removes/],
    [{ set: ['webhooks={'] }, /^--set: webhooks: /],
    [
      { set: ['quotas=5', 'quotas.users=1'] },
      /^--set: quotas.users is below a field that another option sets$/,
    ],
    [{ quota: ['users=many'] }, /^--quota: users must be a whole number/],
  ];
  for (const [options, message] of refused)
    await assert.rejects(settingsOf({ ...NONE, ...options }), { message, exitCode: 2 });
});

test('settings of options go over those of a file, field by field, and lists as a whole', () => {
  const file = { quotas: { users: 5, connections: 6 }, hosts: ['a'] };
  assert.deepEqual(merged(file, { quotas: { users: 7 }, hosts: ['b', 'c'] }), {
    quotas: { users: 7, connections: 6 },
    hosts: ['b', 'c'],
  });
});
