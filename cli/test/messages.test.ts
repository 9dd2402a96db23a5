import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { StatisticsDay } from '@im/admin-api';
import { type Dev, json, type Running, run, start, startDev } from './openimctl.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-messages-'));
const data = join(dir, 'data');
const here = ['--data-dir', data];

interface Sent {
  clientMsgID: string;
  serverMsgID: string;
  sendTime: string;
}

interface Received extends Sent {
  conversationID: string;
  seq: number;
  sendID: string;
  text: string;
}

function lines(stdout: string): Received[] {
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Received);
}

describe('messages from the command line', () => {
  let dev: Dev;
  before(async () => {
    dev = await startDev(data);
    await json('user', 'create', 'alice', 'bob', 'carol', ...here);
  });
  after(async () => {
    await dev.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  async function receiver(...args: string[]): Promise<Running> {
    const running = start(['recv', ...here, '-o', 'json', '--timeout', '60s', ...args]);
    await running.says('connected as');
    return running;
  }

  test('text comes from the argument, a file and standard input, by the API and by the gateway', async () => {
    const bob = await receiver('--as', 'bob', '--count', '4');
    const to = [...here, '--from', 'alice', '--to', 'bob'];
    writeFileSync(join(dir, 'text'), 'from a file\n');
    const ids = [
      await json<Sent>('send', ...to, 'as an argument'),
      await json<Sent>('send', ...to, '--file', join(dir, 'text')),
      JSON.parse((await run(['send', ...to, '-', '-o', 'json'], { input: 'two\nlines\n' })).stdout) as Sent,
      await json<Sent>('send', ...to, 'by the gateway', '--via', 'gateway'),
    ];
    const { code, stdout } = await bob.end();
    assert.equal(code, 0);
    const got = lines(stdout);
    assert.deepEqual(
      got.map(({ seq, sendID, conversationID, text }) => [seq, sendID, conversationID, text]),
      ['as an argument', 'from a file', 'two\nlines', 'by the gateway'].map((text, i) => [
        i + 1,
        'alice',
        'si_alice_bob',
        text,
      ]),
    );
    assert.deepEqual(
      got.map((message) => [message.clientMsgID, message.serverMsgID]),
      ids.map((message) => [message.clientMsgID, message.serverMsgID]),
    );
  });

  test('a line for people has time, conversation, seq, sender and text', async () => {
    const carol = start(['recv', ...here, '--as', 'carol', '--count', '1', '--timeout', '60s']);
    await carol.says('connected as carol');
    await json('send', ...here, '--from', 'bob', '--to', 'carol', 'hi');
    assert.match((await carol.end()).stdout, /^\d{4}-\d\d-\d\dT\S+Z si_bob_carol #1 bob: hi\n$/);
  });

  test('many messages keep their order over one connection', async () => {
    const bob = await receiver('--as', 'bob', '--count', '200');
    const bulk = ['--count', '200', '--concurrency', '20', '--via', 'gateway'];
    const sent = await json<Sent[]>('send', ...here, '--from', 'carol', '--to', 'bob', 'bulk', ...bulk);
    assert.equal(new Set(sent.map((message) => message.clientMsgID)).size, 200);
    const got = lines((await bob.end()).stdout);
    assert.deepEqual(
      got.map((message) => message.clientMsgID),
      sent.map((message) => message.clientMsgID),
    );
    const first = got[0]?.seq ?? 0;
    assert.deepEqual(
      got.map((message) => message.seq),
      sent.map((_, i) => first + i),
    );
  });

  test('statistics have what was sent, as a table, JSON and CSV', async () => {
    await json('cron', 'run', 'count-statistics', ...here);
    const { days } = await json<{ days: StatisticsDay[] }>('stats', 'days', ...here);
    const sum = days.reduce((total, day) => total + day.single, 0);
    // The administrator has an account, too.
    assert.deepEqual([sum, days.findLast(({ users }) => users > 0)?.users], [205, 4]);
    const { stdout } = await run(['stats', 'users', ...here, '-o', 'csv']);
    assert.equal(stdout, 'userID,nickname,messages\r\ncarol,carol,200\r\nalice,alice,4\r\nbob,bob,1\r\n');
    const few = await run(['stats', 'users', ...here, '--order', 'least', '--limit', '1']);
    assert.match(few.stdout, /^USER ID +NICKNAME +MESSAGES\nbob +bob +1\n/);
    assert.match(few.stderr, /more with: --cursor \S+/);
    assert.equal((await run(['stats', 'groups', ...here])).stdout, 'nothing found\n');
    const wrong = await run(['stats', 'days', ...here, '--from', 'monday']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--from: monday is not a day/);
  });

  test('a receiver outlives a restart of the server and reads what it missed', async () => {
    const bob = await receiver('--as', 'bob', '--count', '3');
    const to = [...here, '--from', 'alice', '--to', 'bob'];
    await json('send', ...to, 'before');
    await bob.says('before');
    const { api, ws, ops } = dev.ready;
    const port = (url: string) => new URL(url).port;
    // The gateway comes back elsewhere at first, so that a message is sent while the receiver is away.
    await dev.end('SIGKILL');
    dev = await startDev(data, '--api-port', port(api));
    await json('send', ...to, 'meanwhile');
    await dev.end('SIGKILL');
    dev = await startDev(data, '--api-port', port(api), '--ws-port', port(ws), '--ops-port', port(ops));
    await json('send', ...to, 'after');
    const { code, stdout, stderr } = await bob.end();
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      lines(stdout).map((message) => message.text),
      ['before', 'meanwhile', 'after'],
    );
    assert.match(stderr, /the connection was lost; connecting again/);
  });

  test('a second login on the platform ends the first, which says so', async () => {
    const first = await receiver('--as', 'carol');
    const second = await receiver('--as', 'carol');
    const { code, stderr } = await first.end();
    assert.equal(code, 1);
    assert.match(stderr, /another login of this user ended this one; choose another --platform/);
    assert.equal((await second.end('SIGINT')).code, 0);
  });

  test('a missing message is an error only if it was expected', async () => {
    const waited = await run(['recv', ...here, '--as', 'carol', '--count', '1', '--timeout', '1s']);
    assert.equal(waited.code, 3);
    assert.match(waited.stderr, /0 of 1 messages came in time/);
    assert.equal((await run(['recv', ...here, '--as', 'carol', '--timeout', '1s'])).code, 0);
  });

  test('wrong use is refused with its remedy before anything is sent', async () => {
    const refused = async (args: string[], text: RegExp) => {
      const { code, stdout, stderr } = await run(args);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, text);
    };
    await refused(['send', ...here, '--from', 'alice', 'x'], /either --to <userID> or --group <groupID>/);
    await refused(['send', ...here, '--from', 'alice', '--to', 'bob'], /give the text once/);
    await refused(
      ['send', ...here, '--from', 'nobody', '--to', 'bob', 'x'],
      /no user nobody; create it with: openimctl user create nobody/,
    );
    await refused(['recv', ...here, '--as', 'nobody'], /no user nobody/);
    await refused(['recv', ...here, '--as', 'bob', '--platform', 'toaster'], /toaster is none of IOS,/);
    await refused(['recv', ...here], /required option '--as <userID>'/);
  });

  test('verify finds nothing wrong, and finds what was taken out of its log', async () => {
    const logs = join(dir, 'logs');
    const load = ['--users', '5', '--groups', '2', '--rate', '40', '--duration', '3s'];
    const verdict = await json<Record<string, unknown>>('verify', ...here, ...load, '--keep-logs', logs);
    assert.equal(verdict.clean, true);
    assert.ok((verdict.acknowledged as number) >= 100, JSON.stringify(verdict));

    const again = await run(['verify', '--logs', logs]);
    assert.equal(again.code, 0);
    assert.match(again.stdout, /^run +sent +acknowledged +lost +doubled +reordered +phantom/);

    const [name = ''] = readdirSync(logs);
    const facts = readFileSync(join(logs, name), 'utf8').split('\n');
    const lost = facts.findLastIndex((line) => line.startsWith('["g"'));
    writeFileSync(join(logs, name), facts.toSpliced(lost, 1).join('\n'));
    const { code, stdout, stderr } = await run(['verify', '--logs', logs]);
    assert.equal(code, 4);
    assert.match(stdout, /\nlogs +\d+ +\d+ +1 +0 +0 +0/);
    assert.match(stderr, /^lost in \S+: \S+ was acknowledged and never reached/);
  });
});
