import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configFields, tenantFields } from './config-fields.ts';
import { configReference } from './config-reference.ts';

test('the reference names every setting with its variable, and says what each is for', () => {
  const text = configReference();
  for (const { path, env, description } of configFields()) {
    if (path === 'tenants') continue;
    assert.ok(text.includes(`| \`${path}\` | \`${env}\` |`), path);
    assert.notEqual(description, '', path);
  }
  for (const { path, description } of tenantFields()) {
    assert.ok(text.includes(`| \`${path}\` |`), path);
    assert.notEqual(description, '', path);
  }
});

test('required, secret and mapped settings are marked', () => {
  const text = configReference();
  assert.match(text, /\| `adminSecret` \| string \| \*\*required\*\* \|.*\*Secret\.\* \|/);
  assert.match(text, /\| `webhooks\.events\.<key>\.timeoutMs` \| integer \| `5000` \|/);
  assert.match(text, /\| `nats\.storage` \| `OPENIM_NATS_STORAGE` \| file \\\| memory \| `"file"` \|/);
});
