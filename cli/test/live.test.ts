import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EXIT } from '../src/exit-codes.ts';
import type { Figures } from '../src/top/figures.ts';
import { commandsOf } from './documented-commands.ts';
import { type Dev, json, run, start, startDev } from './openimctl.ts';
import { type InTerminal, NO_TERMINAL, startInTerminal } from './pseudo-terminal.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-live-'));
const data = join(dir, 'data');
const here = ['--data-dir', data];
const LEAVE = '\x1b[?1049l';

let dev: Dev;
/** Options that name the server by its API alone. */
let byApi: readonly string[];
before(async () => {
  dev = await startDev(data, '--tenant', 't2');
  const { adminSecrets } = JSON.parse(readFileSync(join(data, 'state.json'), 'utf8'));
  writeFileSync(join(dir, 'secret'), adminSecrets.t2, { mode: 0o600 });
  await json('user', 'create', ...here, '--tenant', 't2', 'alice', 'bob');
  byApi = ['--api', dev.ready.api, '--tenant', 't2', '--admin-secret-file', join(dir, 'secret')];
});
after(async () => {
  await dev.end('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

/** A user of tenant t2 who receives until the test ends, and whom messages are sent to. */
async function listener() {
  const receiving = start(['recv', ...here, '--tenant', 't2', '--as', 'bob']);
  await receiving.says('connected as bob');
  return {
    send: (text: string) =>
      json('send', ...here, '--tenant', 't2', '--from', 'alice', '--to', 'bob', '--via', 'gateway', text),
    async [Symbol.asyncDispose]() {
      await receiving.end('SIGTERM');
    },
  };
}

describe('openimctl top', () => {
  /** Samples as they come, until one satisfies. */
  async function sample(
    args: readonly string[],
    wanted: (figures: Figures) => boolean,
    meanwhile: () => unknown,
  ) {
    const watching = start(['top', ...args, '-o', 'json']);
    try {
      for (let read = 0; ; ) {
        await meanwhile();
        await watching.says(new RegExp(`^(.*\\n){${read + 1}}`));
        const lines = watching.stdout().split('\n').slice(0, -1);
        for (const line of lines.slice(read)) {
          const figures: Figures = JSON.parse(line);
          if (wanted(figures)) return figures;
        }
        read = lines.length;
      }
    } finally {
      assert.equal((await watching.end('SIGTERM')).code, EXIT.ok);
    }
  }

  test('shows the process with its load, and the tenant that has it', async () => {
    await using bob = await listener();
    const figures = await sample(
      [...here, '--interval', '1s', '--by', 'tenants'],
      ({ tenants }) =>
        tenants.some(({ sendsPerSecond, pushesPerSecond }) => sendsPerSecond && pushesPerSecond),
      () => bob.send('one'),
    );
    const [process] = figures.processes;
    assert.deepEqual(process?.roles, ['all']);
    assert.ok((process.cpuPercent ?? 0) > 0 && (process.rssBytes ?? 0) > 2 ** 20);
    const [tenant] = figures.tenants.filter(({ sendsPerSecond }) => sendsPerSecond);
    assert.partialDeepStrictEqual(tenant, { tenant: 't2', gateways: 1 });
    assert.ok((tenant?.connections ?? 0) >= 1);
  });

  test('has the gateways of the own tenant where there is an API alone', async () => {
    await using bob = await listener();
    const figures = await sample(
      byApi,
      ({ processes }) =>
        processes.some(({ sendsPerSecond, pushesPerSecond }) => sendsPerSecond && pushesPerSecond),
      () => bob.send('two'),
    );
    assert.deepEqual(
      figures.tenants.map(({ tenant }) => tenant),
      ['t2'],
    );
  });

  test('prints one screen where there is no terminal, without escape sequences', async () => {
    const { code, stdout, stderr } = await run(['top', ...here, '--once', '--interval', '500ms']);
    assert.equal(code, EXIT.ok, stderr);
    assert.match(stdout, /^PROCESS +ROLES +CPU % +MEMORY +CONNS\* +USERS/m);
    assert.ok(!stdout.includes('\x1b'));
  });

  test('what cannot be reached or is not there is an error', async () => {
    const down = await run(['top', '--ops', 'http://127.0.0.1:2', '--once']);
    assert.equal(down.code, EXIT.unreachable);
    assert.match(down.stderr, /nothing could be read: 127.0.0.1:2: .*ECONNREFUSED/);
    const bad = await run(['top', ...here, '--sort', 'age']);
    assert.equal(bad.code, EXIT.usage);
    assert.match(bad.stderr, /Allowed choices are name, connections/);
  });

  describe('in a terminal', { skip: NO_TERMINAL ?? false }, () => {
    const top = (args: readonly string[], columns = 80) =>
      startInTerminal(['top', ...args], { columns, rows: 24 });
    async function assertRestored(terminal: InTerminal, code: number): Promise<string> {
      const ended = await terminal.end();
      assert.equal(ended.code, code, terminal.output());
      assert.match(ended.settings, / icanon /);
      assert.match(ended.settings, / echo /);
      const [, behind = ''] = terminal.output().split(LEAVE);
      assert.equal(terminal.output().split(LEAVE).length, 2, 'left once');
      return behind;
    }

    test('keys switch and sort, and q gives the terminal back as it was', async () => {
      await using terminal = top([...here, '--interval', '500ms']);
      const processes = await terminal.shows(/CONNS\*/);
      terminal.type('t');
      const tenants = await terminal.shows(/TENANT +/, processes);
      terminal.type('i');
      await terminal.shows(/IN\/S\*/, tenants);
      assert.ok(
        !terminal.output().slice(processes).includes('\x1b[2J'),
        'nothing is cleared between screens',
      );
      terminal.type('q');
      await assertRestored(terminal, EXIT.ok);
    });

    test('so do Ctrl-C, SIGTERM and an error', async () => {
      await using stopped = top(here, 200);
      await stopped.shows(/LOOP MS/);
      stopped.type('\x03');
      await assertRestored(stopped, EXIT.ok);
      await using killed = top(here);
      await killed.shows(/CONNS\*/);
      killed.kill('SIGTERM');
      await assertRestored(killed, EXIT.ok);
      await using failed = top(['--ops', 'http://127.0.0.1:2']);
      assert.match(await assertRestored(failed, EXIT.unreachable), /nothing could be read/);
    });
  });
});

describe('openimctl tail', () => {
  const REASON = ['--reason', 'a test'];

  test('prints who sent what to whom, never the text, and the audit log says who read it', async () => {
    await using bob = await listener();
    const watching = start([
      'tail',
      ...byApi,
      ...REASON,
      '--user',
      'bob',
      '--event',
      'message',
      '-o',
      'json',
    ]);
    await watching.says('watching tenant t2');
    await bob.send('a secret text');
    await watching.says(/\n/);
    await watching.says(/"event":"message"/);
    const { code, stdout } = await watching.end('SIGINT');
    assert.equal(code, EXIT.ok);
    const [line = ''] = stdout.split('\n');
    assert.partialDeepStrictEqual(JSON.parse(line), {
      conversationID: 'si_alice_bob',
      sendID: 'alice',
      contentType: 101,
    });
    assert.doesNotMatch(stdout, /secret/);
    const { entries = [], ...rest } = await json<{ entries?: unknown[] }>(
      'audit',
      'list',
      ...byApi,
      '--act',
      'message.tail',
    );
    assert.match(JSON.stringify([entries, rest]), /message\.tail.*a test/);
  });

  test('ends after so many, and needs a reason', async () => {
    await using bob = await listener();
    const watching = start(['tail', ...byApi, ...REASON, '--count', '1', '--conversation', 'si_alice_bob']);
    await watching.says('watching tenant t2');
    await bob.send('three');
    const { code, stdout } = await watching.end();
    assert.equal(code, EXIT.ok);
    assert.match(stdout, /^\S+Z message si_alice_bob#\d+: alice -> (alice|bob), type 101, \d+ bytes\n/);
    const without = await run(['tail', ...byApi]);
    assert.equal(without.code, EXIT.usage);
    assert.match(without.stderr, /--reason/);
  });
});

test('the first ten tasks of the documentation work in the directory of a running dev, as they are written', async () => {
  const all = commandsOf('docs/operations/openimctl.md');
  const begins = all.findIndex(({ args }) => args.join(' ') === 'user create carol dave');
  const tasks = all.slice(begins, begins + 10);
  assert.equal(tasks.at(-1)?.args[0], 'doctor');
  const shows: Readonly<Record<string, RegExp>> = {
    'user create': /carol[\s\S]*dave/,
    'user list': /carol/,
    'token create': /\w+\.\w+\.\w+/,
    'message search': /carol/,
    'connection count': /^GATEWAY/,
    'audit list': /user\.ban/,
  };
  for (const { args } of tasks) {
    const { code, stdout, stderr } = await run(args, { env: { OPENIM_DATA_DIR: data } });
    const what = `openimctl ${args.join(' ')}\n${stdout}${stderr}`;
    assert.ok(code === EXIT.ok || (args[0] === 'doctor' && code === EXIT.unhealthy), what);
    assert.match(stdout, shows[args.slice(0, 2).join(' ')] ?? /\S/, what);
  }
});
