import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ServerConfigInput } from './config.ts';
import { parseConfig } from './config-check.ts';
import { restartHash } from './config-hash.ts';
import { ROLE_SETTINGS } from './gen/role-settings.ts';
import { isLiveSetting } from './live-settings.ts';

const ROLES = Object.keys(ROLE_SETTINGS);

/** The roles whose processes a change needs to restart. */
function restarted(change: ServerConfigInput): string[] {
  const [before, after] = [parseConfig({}), parseConfig(change)];
  return ROLES.filter((role) => restartHash(before, role) !== restartHash(after, role));
}

test('a change restarts the roles that read it, and no other', () => {
  const cases: [ServerConfigInput, string[]][] = [
    [{ tenants: [{ id: 'default', tokenSecret: 's', adminSecret: 's' }] }, []],
    [{ log: { level: 'debug' } }, []],
    [{ gateway: { maxConnections: 5, drain: { maxPerSecond: 1 }, handshakes: { burst: 3 } } }, []],
    [{ cron: { objectDays: 3 } }, []],
    [{ push: { wakesPerUser: { burst: 1 } } }, []],
    [{ shutdown: { deadlineMs: 1 } }, []],
    [{ gateway: { readTimeoutMs: 1 } }, ['gateway']],
    [{ gateway: { presence: { limitMs: 1 } } }, ['gateway', 'rpc']],
    [{ api: { bodyLimitBytes: 1 } }, ['api', 'console']],
    [{ transfer: { maxBatch: 1 } }, ['transfer']],
    [{ push: { provider: 'log' } }, ['push']],
    [{ s3: { secretKey: 'x' } }, ['rpc', 'cron']],
    [{ mongo: { uri: 'mongodb://elsewhere' } }, ['rpc', 'transfer', 'push', 'cron', 'prober']],
    [{ redis: { uri: 'redis://elsewhere' } }, ['rpc', 'transfer', 'push', 'cron', 'prober']],
    [{ prober: { messagesPerSecond: 3 } }, ['prober']],
    [{ nats: { password: 'x' } }, ['gateway', 'api', 'rpc', 'transfer', 'push', 'console']],
    [{ rpc: { key: 'k', acceptMissingKey: true } }, []],
    [{ rpc: { domains: { msg: { port: 1 } } } }, ['gateway', 'api', 'rpc', 'push', 'cron', 'console']],
    [{ listen: { host: '::' } }, ROLES],
    [{ ops: { port: 1 } }, ROLES],
  ];
  for (const [change, roles] of cases) assert.deepEqual(restarted(change), roles, JSON.stringify(change));
  assert.throws(() => restartHash(parseConfig({}), 'gatway'), /no role gatway; roles are gateway, api/);
});

test('every section belongs to a role or is live', () => {
  const read = new Set(Object.values(ROLE_SETTINGS).flatMap((settings) => settings.map(sectionOf)));
  for (const section of Object.keys(parseConfig({}))) {
    const known =
      read.has(section) || isLiveSetting(section) || ['listen', 'ops'].includes(section) || section === 'log';
    assert.ok(known, `no role is restarted for ${section}`);
  }
});

test('a default that is written out, and the order of keys, change nothing', () => {
  const hash = (input: ServerConfigInput) => restartHash(parseConfig(input), 'gateway');
  assert.equal(hash({ gateway: { port: 10_001 } }), hash({}));
  assert.equal(
    hash({ nats: { user: 'a', password: 'b' }, gateway: { port: 1 } }),
    hash({ gateway: { port: 1 }, nats: { password: 'b', user: 'a' } }),
  );
});

function sectionOf(path: string): string {
  return path.split('.')[0] ?? '';
}

test('hashes are those of the versions before, so that an upgrade of the operator replaces no pod', () => {
  const recorded: { config: ServerConfigInput; hashes: Record<string, string> }[] = JSON.parse(
    readFileSync(join(import.meta.dirname, 'testdata/restart-hashes.json'), 'utf8'),
  );
  for (const { config, hashes } of recorded) {
    const now = Object.keys(hashes).map((role) => [role, restartHash(parseConfig(config), role)]);
    assert.deepEqual(Object.fromEntries(now), hashes, JSON.stringify(config));
  }
});
