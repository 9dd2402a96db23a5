import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingValue, withFieldNames, withPresentNames } from './renamed-fields.ts';

test('former names and values become present ones, and everything else stays', () => {
  const former = {
    logLevel: 'debug',
    gateway: { replicas: 3, drain: { deadlineSeconds: 60, maxPerSecond: 10 } },
    push: { provider: 'log' },
    offlinePush: { content: 'full', providers: { webhook: { users: 'none', url: 'https://a' } } },
    cron: { messageExpiry: '1 2 * * *', objectDays: 0, objectGroups: ['sdklog'], runMinutes: 5 },
  };
  assert.deepEqual(withPresentNames('OpenIMCluster', former), {
    logLevel: 'debug',
    gateway: { replicas: 3, drain: { deadlineSeconds: 60, maxConnectionsPerSecond: 10 } },
    push: { provider: 'Log' },
    offlinePush: { content: 'Full', providers: { webhook: { users: 'None', url: 'https://a' } } },
    cron: {
      schedules: { messageExpiry: '1 2 * * *' },
      retention: { objectDays: 0, objectGroups: ['sdklog'] },
      runMinutes: 5,
    },
  });
  assert.deepEqual(withPresentNames('OpenIMTenant', { tokenPolicy: { multiLogin: 0, expireDays: 7 } }), {
    tokenPolicy: { multiLogin: 'None', expireDays: 7 },
  });
});

test('a spec with present names alone is returned as it is', () => {
  const present = { gateway: { drain: { maxConnectionsPerSecond: 1 } }, push: { provider: 'Log' } };
  assert.equal(withPresentNames('OpenIMCluster', present), present);
});

test('a present field takes precedence over its former name', () => {
  const both = { cron: { objectDays: 1, retention: { objectDays: 2 } } };
  assert.deepEqual(withPresentNames('OpenIMCluster', both), { cron: { retention: { objectDays: 2 } } });
});

test('a message of the services names the field of the resource', () => {
  assert.equal(
    withFieldNames('the rendered config cannot be used: cron.messageExpiry: must be a cron expression'),
    'the rendered config cannot be used: spec.cron.schedules.messageExpiry: must be a cron expression',
  );
});

test('services get the values that they know', () => {
  assert.equal(settingValue('multiLogin', 'AllButPC'), '5');
  assert.equal(settingValue('users', 'WithoutToken'), 'withoutToken');
  assert.equal(settingValue('security', 'StartTLS'), 'starttls');
  assert.equal(settingValue('host', 'None'), 'None', 'of another field');
});
