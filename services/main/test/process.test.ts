import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from '@im/process';

interface Line {
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A server process and what it logs. */
function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'process-entry.ts'), ...args], {
    env: { ...process.env, OPENIM_OPS_PORT: '0', OPENIM_LISTEN_HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const lines: Line[] = [];
  const text: string[] = [];
  const reader = createInterface({ input: child.stderr });
  const waiting = new Set<() => void>();
  reader.on('line', (line) => {
    if (line.startsWith('{')) lines.push(JSON.parse(line));
    else text.push(line);
    for (const wake of waiting) wake();
  });
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal);
  return {
    text,
    lines,
    exited,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** The first line with this message; the process must not end before it. */
    async logged(msg: string): Promise<Line> {
      for (;;) {
        const found = lines.find((line) => line.msg === msg);
        if (found) return found;
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        const ended = exited.then((code) => {
          if (!lines.some((line) => line.msg === msg)) throw new Error(`ended with ${code} before "${msg}"`);
        });
        await Promise.race([promise, ended]);
        waiting.delete(resolve);
      }
    },
  };
}

test('SIGTERM stops in good order, and the process ends by itself with 0', async () => {
  const server = start(['serve', 'gateway', 'api']);
  const { ops } = await server.logged('started');
  assert.equal((await fetch(`http://127.0.0.1:${ops}/healthz`)).status, 200);
  server.kill('SIGTERM');
  assert.equal(await server.exited, 0);
  assert.ok(server.lines.some(({ msg, ms }) => msg === 'stopped' && Number(ms) >= 190));
});

test('a second signal ends the process at once', async () => {
  const server = start(['serve', 'gateway'], { HANG: '1' });
  await server.logged('started');
  server.kill('SIGTERM');
  await server.logged('asked to stop');
  server.kill('SIGINT');
  assert.equal(await server.exited, 1);
});

test('what keeps the process alive is named, and the end is forced', async () => {
  const server = start(['serve', 'gateway'], { LEAK: '1', OPENIM_SHUTDOWN_DEADLINE_MS: '300' });
  await server.logged('started');
  server.kill('SIGTERM');
  assert.equal(await server.exited, 1);
  const { keptAliveBy } = await server.logged('did not end in time');
  assert.ok(JSON.stringify(keptAliveBy).includes('TCPServerWrap'), JSON.stringify(keptAliveBy));
});

test('an uncaught error is reported and ends the process', async () => {
  const server = start(['serve', 'gateway'], { STRAY: '1' });
  await server.logged('uncaught error');
  assert.equal(await server.exited, 1);
});

test('wrong use and wrong config end with 2 and say what to do', async () => {
  const cases: [string[], Record<string, string>, RegExp][] = [
    [[], {}, /usage: serve <role>/],
    [['serve', 'gatway'], {}, /no role gatway; roles are rpc, all/],
    [['serve', 'gateway', '--confg', 'x'], {}, /--confg[\s\S]*usage/],
    [
      ['serve', 'gateway', '--config', '/nowhere.yaml'],
      {},
      /cannot read the config file[\s\S]*because: ENOENT/,
    ],
    [['serve', 'gateway'], { OPENIM_API_PORT: 'x' }, /api\.port/],
    [['serve', 'gateway'], { OPENIM_TENANTS: '[{ id: B }]' }, /tenants\.0\.id: must be/],
  ];
  for (const [args, env, message] of cases) {
    const server = start(args, env);
    assert.equal(await server.exited, 2, args.join(' '));
    assert.match(server.text.join('\n'), message);
  }
});

test('a taken port ends the process with 1 and its name', async () => {
  const first = start(['serve', 'gateway']);
  const { ops } = await first.logged('started');
  const second = start(['serve', 'gateway'], { OPENIM_OPS_PORT: String(ops) });
  assert.equal(await second.exited, 1);
  assert.match(second.text.join('\n'), new RegExp(`cannot listen on 127.0.0.1:${ops}[\\s\\S]*EADDRINUSE`));
  first.kill('SIGTERM');
  assert.equal(await first.exited, 0);
});

test('a changed config file takes effect; a broken one is reported and changes nothing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'im-main-'));
  const file = join(dir, 'im.yaml');
  const tenant = '{ id: default, tokenSecret: a, adminSecret: b }';
  await writeFile(file, `tenants: [${tenant}]\n`);
  const server = start(['serve', 'gateway', '--config', file]);
  try {
    await server.logged('started');
    await writeFile(file, `tenants: [${tenant}]\nlog: { level: nonsense }\n`);
    const { err } = await server.logged('config file changed but cannot be used');
    assert.match(JSON.stringify(err), /log\.level/);
    const { ops } = await server.logged('started');
    const metrics = await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();
    assert.match(metrics, /^openim_config_unusable 1$/m);
    await writeFile(file, `tenants: [${tenant}]\nlog: { level: debug }\n`);
    await server.logged('config file changed');
  } finally {
    server.kill('SIGTERM');
    assert.equal(await server.exited, 0);
    await rm(dir, { recursive: true });
  }
});

test('a changed secret that the file refers to takes effect; one that does not exist yet is waited for', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'im-main-'));
  const file = join(dir, 'im.yaml');
  const config = (secret: string) =>
    `tenants: [{ id: default, tokenSecret: "\${file:${dir}/${secret}}", adminSecret: b }]\n`;
  await writeFile(file, config('first'));
  await writeFile(join(dir, 'first'), 'a');
  const server = start(['serve', 'gateway', '--config', file]);
  try {
    const { ops } = await server.logged('started');
    const hash = async () => {
      const response = await fetch(`http://127.0.0.1:${ops}/status`);
      return ((await response.json()) as { configHash: string }).configHash;
    };
    const current = async () => (await readConfig({ file })).hash;
    assert.equal(await hash(), await current());
    await writeFile(join(dir, 'first'), 'changed');
    await server.logged('config file changed');
    assert.equal(await hash(), await current());
    await writeFile(file, config('second'));
    const refused = 'a tenant in the config is invalid and refused; all others are served';
    const { tenant, served, faults } = await server.logged(refused);
    assert.deepEqual([tenant, served], ['default', true], 'with the secret that it had');
    assert.match(JSON.stringify(faults), /tokenSecret.*cannot read the file .*second/);
    while ((await hash()) !== (await current())) await sleep(50);
    const metrics = async () => (await fetch(`http://127.0.0.1:${ops}/metrics`)).text();
    assert.match(await metrics(), /^openim_tenants_invalid 1$/m);
    await writeFile(join(dir, 'second'), 'b');
    const expected = await current();
    while ((await hash()) !== expected) await sleep(50);
    assert.match(await metrics(), /^openim_tenants_invalid 0$/m);
    assert.equal(server.lines.filter(({ msg }) => msg === refused).length, 1, 'told once');
  } finally {
    server.kill('SIGTERM');
    assert.equal(await server.exited, 0);
    await rm(dir, { recursive: true });
  }
});
