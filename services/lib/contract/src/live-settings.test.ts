import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configFields } from './config-fields.ts';
import { isLiveSetting, LIVE_SETTINGS } from './live-settings.ts';

test('live settings are those of the list and what is below them', () => {
  assert.ok(isLiveSetting('tenants') && isLiveSetting('gateway.drain.maxPerSecond'));
  assert.ok(!isLiveSetting('gateway') && !isLiveSetting('gateway.port') && !isLiveSetting('gateway.drained'));
  const paths = configFields().map(({ path }) => path);
  for (const live of LIVE_SETTINGS)
    assert.ok(
      paths.some((path) => path === live || path.startsWith(`${live}.`)),
      `${live} is no setting`,
    );
});
