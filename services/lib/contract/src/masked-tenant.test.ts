import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskedTenant } from './masked-tenant.ts';
import { tenantSettings } from './tenant-settings.ts';

const key = `whsec_${Buffer.alloc(24, 'k').toString('base64')}`;

test('no secret of a tenant is in its masked settings, and all else is', () => {
  const settings = tenantSettings({
    id: 'one',
    tokenSecret: 'hidden-token',
    secondTokenSecret: 'hidden-second',
    adminSecret: 'hidden-admin',
    secondAdminSecret: 'hidden-other',
    webhooks: { url: 'https://user:hidden-user@hooks.example/x?key=hidden-key', secret: key },
    push: {
      providers: {
        fcm: { serviceAccount: 'hidden-account' },
        webhook: { url: 'https://p.example', secret: key },
      },
    },
    quotas: { users: 12 },
    hosts: ['im.example.com'],
  });
  const text = JSON.stringify(maskedTenant(settings));
  assert.doesNotMatch(text, /hidden/);
  assert.ok(!text.includes(key), text);
  assert.partialDeepStrictEqual(maskedTenant(settings), {
    id: 'one',
    tokenSecret: '***',
    webhooks: { url: 'https://***@hooks.example/x?***', secret: '***', previousSecret: '' },
    quotas: { users: 12 },
    hosts: ['im.example.com'],
  });
});
