import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { tenantId } from '@im/contract';
import { systemContext } from '@im/kit';
import { ERR, make } from '@im/protocol';
import { loopbackConfig, type Peer, startPeer } from './fixture.ts';

/** The home of `user` in a separate process. */
interface Home extends AsyncDisposable {
  readonly port: number;
  readonly pid: string;
  readonly said: string[];
  kill(signal: NodeJS.Signals): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

async function startHome(port = 0): Promise<Home> {
  const child: ChildProcess & { readonly stdout: NodeJS.ReadableStream } = spawn(
    process.execPath,
    [join(import.meta.dirname, 'peer-process.ts'), String(port)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const said: string[] = [];
  const ready = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.push(line);
    if (line.startsWith('ready ')) ready.resolve(Number(line.slice(6)));
  });
  const exited = once(child, 'exit');
  exited.then(
    () => ready.reject(new Error('the peer ended before it was ready')),
    () => undefined,
  );
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return {
    port: await ready.promise,
    pid: String(child.pid),
    said,
    kill,
    signal: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: () => kill('SIGKILL'),
  };
}

const caller = (homes: readonly Home[], rpc = {}) =>
  startPeer(loopbackConfig({ addresses: homes.map(({ port }) => `127.0.0.1:${port}`) }, rpc));

/** Asks which process answers, after `delayMs` in that process. */
async function ask(peer: Peer, delayMs = 0, timeoutMs = 30_000): Promise<string> {
  const ctx = systemContext(tenantId('acme'), 'op', { timeoutMs });
  const request = make('user.GetDesignateUsersReq', { userIDs: [String(delayMs)] });
  const { usersInfo } = await peer.rpc.client('user').getDesignateUsers(ctx, request);
  return usersInfo[0]?.userID ?? '';
}

test('reads go on while one of two processes is killed and comes back', async () => {
  await using stays = await startHome();
  await using dies = await startHome();
  await using client = await caller([stays, dies]);
  const answers: Promise<string>[] = [];
  let killed: Promise<void> | undefined;
  let again: Promise<Home> | undefined;
  for (let i = 0; i < 300; i++) {
    answers.push(ask(client, 2));
    if (i === 100) killed = dies.kill('SIGKILL');
    if (i === 150) again = startHome(dies.port);
    await sleep(5);
  }
  await killed;
  const settled = await Promise.allSettled(answers);
  const failed = settled.filter((answer) => answer.status === 'rejected');
  assert.equal(failed.length, 0, `${failed.length} of ${settled.length} failed: ${failed[0]?.reason}`);

  const returned = await again;
  assert.ok(returned);
  await using _returned = returned;
  const deadline = Date.now() + 60_000;
  while ((await ask(client)) !== returned.pid)
    assert.ok(Date.now() < deadline, 'the process that returned is used');
});

test('a call made while no process is available waits for one, within its deadline', async () => {
  await using first = await startHome();
  await using client = await caller([first]);
  await ask(client);
  await first.kill('SIGKILL');
  const waiting = ask(client);
  for (let i = 0; i < 3_000 && client.rpc.ready().ready; i++) await sleep(20);
  assert.equal(client.rpc.ready().ready, false);
  const startedAt = performance.now();
  await assert.rejects(ask(client, 0, 200), { code: ERR.NetworkError });
  assert.ok(performance.now() - startedAt < 10_000);
  await using second = await startHome(first.port);
  assert.equal(await waiting, second.pid);
  assert.equal(client.rpc.ready().ready, true);
});

test('a call under which two processes were lost is not given to a third', async () => {
  const homes = await Promise.all([startHome(), startHome(), startHome()]);
  try {
    await using client = await caller(homes);
    for (const reached = new Set<string>(); reached.size < 3; ) reached.add(await ask(client));
    const deadly = ask(client, 20_000);
    const refused = assert.rejects(deadly, { code: ERR.NetworkError });
    let settled = false;
    refused.finally(() => {
      settled = true;
    });
    let killed = 0;
    while (!settled) {
      // The process that works on it dies: it says so when it begins.
      const victim = homes.find((home) => home.said.some((line) => line === 'slow 20000'));
      if (!victim) {
        await sleep(5);
        continue;
      }
      victim.said.length = 0;
      killed++;
      await victim.kill('SIGKILL');
    }
    await refused;
    assert.equal(killed, 2);
    assert.ok(await ask(client), 'the third lives');
  } finally {
    for (const home of homes) await home.kill('SIGKILL').catch(() => undefined);
  }
});

test('a write is never sent twice by the transport', async () => {
  await using home = await startHome();
  await using client = await caller([home]);
  await ask(client);
  const ctx = systemContext(tenantId('acme'), 'op');
  const write = client.rpc.client('user').userRegister(ctx, make('user.UserRegisterReq'));
  const refused = assert.rejects(write, { code: ERR.NetworkError });
  while (!home.said.includes('registered 1')) await sleep(5);
  await home.kill('SIGKILL');
  await using second = await startHome(home.port);
  await refused;
  await ask(client);
  await sleep(300);
  assert.ok(!second.said.some((line) => line.startsWith('registered')), second.said.join());
});

test('a process that stops answers what it has accepted', async () => {
  await using home = await startHome();
  await using other = await startHome();
  await using client = await caller([home, other]);
  // Both have been reached before one of them stops.
  for (const reached = new Set<string>(); reached.size < 2; ) reached.add(await ask(client));
  const under = Array.from({ length: 50 }, () => ask(client, 500));
  while (![home, other].every(({ said }) => said.includes('slow 500'))) await sleep(5);
  home.signal('SIGTERM');
  const after = Array.from({ length: 50 }, () => ask(client, 1));
  const answers = await Promise.all(under);
  assert.ok(answers.includes(home.pid) && answers.includes(other.pid));
  await Promise.all(after);
  for (let i = 0; i < 6_000 && !home.said.includes('stopped'); i++) await sleep(10);
  assert.ok(home.said.includes('stopped'), 'it ends when its callers have their answers');
});

test('no call is lost while processes stop and start in good order, writes included', async () => {
  let one = await startHome();
  await using two = await startHome();
  try {
    await using client = await caller([one, two]);
    const user = client.rpc.client('user');
    const errors: unknown[] = [];
    let done = 0;
    let running = true;
    const callers = Array.from({ length: 20 }, async () => {
      while (running) {
        const ctx = systemContext(tenantId('acme'), 'op');
        await user.updateUserInfo(ctx, make('user.UpdateUserInfoReq')).then(
          () => done++,
          (error) => errors.push(error),
        );
      }
    });
    for (let round = 0; round < 3; round++) {
      await sleep(300);
      const { port } = one;
      await one.kill('SIGTERM');
      one = await startHome(port);
    }
    running = false;
    await Promise.all(callers);
    assert.deepEqual(errors, []);
    assert.ok(done > 500, `${done} calls`);
  } finally {
    await one.kill('SIGKILL');
  }
});

test('a process that hangs is left alone once its keep-alive fails', async () => {
  await using stays = await startHome();
  await using hangs = await startHome();
  await using client = await caller([stays, hangs], { keepaliveMs: 300, keepaliveTimeoutMs: 300 });
  await Promise.all(Array.from({ length: 10 }, () => ask(client)));
  hangs.signal('SIGSTOP');
  // Those that it got wait until its keep-alive has failed, and go to the other one.
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(client, 0, 60_000)));
  assert.deepEqual(new Set(answers), new Set([stays.pid]));
  hangs.signal('SIGCONT');
});
