import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../src/program.ts';
import { type Dev, json, run, startDev } from './openimctl.ts';

/** Commands that change nothing, in a server, a cluster or a config file; what they write are files of results. */
const READING = new Set([
  ...['dev', 'status', 'top', 'tail', 'doctor', 'check', 'report', 'recv', 'completion', 'man', 'version'],
  ...['context list', 'cluster list', 'cluster status', 'cluster events', 'cluster logs', 'gateway list'],
  ...['upgrade plan', 'upgrade status', 'upgrade history'],
  ...['tenant list', 'tenant get', 'tenant usage', 'tenant export'],
  ...['user list', 'user get', 'user export', 'connection list', 'connection count'],
  ...['group list', 'group get', 'group members', 'audit list', 'cron list', 'key list', 'message search'],
  ...['stats days', 'stats users', 'stats groups', 'token inspect', 'token list'],
  ...['webhook listen', 'webhook deliveries', 'deadletter list', 'deadletter show'],
  ...['seq inspect', 'seq audit', 'config check', 'config print', 'config doc'],
]);

function leaves(command: Command, path: readonly string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[path.join(' '), command]];
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}

test('every command that changes something has --dry-run, and no other', () => {
  const all = leaves(createProgram());
  const withOption = all.filter(([, { options }]) => options.some(({ long }) => long === '--dry-run'));
  const names = new Set(withOption.map(([name]) => name));
  const wrong = all.filter(([name]) => READING.has(name) === names.has(name)).map(([name]) => name);
  assert.deepEqual(wrong, [], 'a command either changes nothing, and is listed here, or has --dry-run');
  const known = new Set(all.map(([name]) => name));
  assert.deepEqual(
    [...READING].filter((name) => !known.has(name)),
    [],
  );
});

describe('with a server', () => {
  const dir = mkdtempSync(join(tmpdir(), 'im-dry-run-'));
  const here = ['--data-dir', join(dir, 'data')];
  let dev: Dev;
  before(async () => {
    dev = await startDev(join(dir, 'data'));
    await json('user', 'create', ...here, 'alice', 'bob');
  });
  after(async () => {
    await dev?.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  const users = async () =>
    (await json<{ users: object[] }>('user', 'list', ...here)).users
      .map((user) => JSON.stringify(user))
      .sort();

  test('nothing changes, and the result says what would', async () => {
    const before = await users();
    const acts = async () => (await json<{ records: unknown[] }>('audit', 'list', ...here)).records.length;
    const recorded = await acts();
    const cases: [string, string, ...string[]][] = [
      ['Ban a user', 'user', 'ban', 'bob', '--reason', 'spam'],
      ['End a ban', 'user', 'unban', 'bob'],
      ['change a user', 'user', 'update', 'bob', '--nickname', 'B'],
      ['', 'user', 'logout', 'bob'],
      ['', 'user', 'delete', 'bob'],
      ['register users', 'user', 'create', 'carol'],
      ['', 'connection', 'kick', 'bob'],
      ['', 'cron', 'run', 'count-statistics'],
      ["issue a user's token", 'token', 'create', 'bob'],
      ['', 'token', 'create', '--role', 'read'],
      ['', 'token', 'revoke', '--user', 'bob'],
      ['', 'webhook', 'replay', '--dead'],
      ['', 'deadletter', 'retry', '--all'],
      ['', 'webhook', 'test', 'beforeSendSingleMsg'],
      ['', 'push', 'test', '--user', 'bob'],
      ['', 'code', 'test', '--mail', 'a@example.com'],
      ['', 'console', 'login'],
      ['send text messages', 'send', '--from', 'alice', '--to', 'bob', 'hello'],
      ['create users and groups, and send messages between them', 'verify'],
      ['create users and put load on a server', 'bench'],
    ];
    for (const [would, ...args] of cases) {
      const { code, stdout, stderr } = await run([...args, ...here, '--dry-run']);
      assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
      assert.match(stdout, new RegExp(`^would: +${would}`), args.join(' '));
      assert.match(stderr, /nothing was changed \(--dry-run\)/, args.join(' '));
    }
    assert.deepEqual(await users(), before);
    assert.equal(await acts(), recorded);
    const shown = await json<object>('user', 'ban', 'bob', '--reason', 'spam', ...here, '--dry-run');
    assert.partialDeepStrictEqual(shown, {
      ...{ dryRun: true, would: 'Ban a user, or change the ban' },
      with: ['untilTime=0', 'reason=spam'],
    });
  });

  test('what would be refused is refused', async () => {
    for (const args of [
      ['user', 'ban', 'nobody'],
      ['user', 'update', 'nobody', '--nickname', 'x'],
      ['user', 'create', 'alice'],
      ['token', 'create', 'nobody'],
      ['group', 'dismiss', 'none'],
      ['cron', 'run', 'none'],
      ['send', '--from', 'alice', '--to', 'nobody', 'hello'],
    ]) {
      const { code, stdout } = await run([...args, ...here, '--dry-run']);
      assert.notEqual(code, 0, `${args.join(' ')}: ${stdout}`);
    }
  });
});
