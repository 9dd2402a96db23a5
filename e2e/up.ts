// `make up`: starts the service, creates two users and exchanges a message between two unmodified OpenIM
// SDK clients. `make down` stops what it started.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { installBackends } from '@im/backends';
import { sleep } from '@im/kit';
import { SdkUser, startJsHost } from './sdk/index.ts';
import { admin, type Endpoint } from './wire/index.ts';

const CLI = new URL('../cli/bin/openimctl.js', import.meta.url).pathname;
const USERS = ['alice', 'bob'] as const;
const PLATFORM_WEB = 5;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

interface State {
  readonly pid: number;
  readonly api: string;
  readonly ws: string;
  readonly ops: string;
  readonly adminSecrets: Readonly<Record<string, string>>;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function stateOf(dir: string): State | undefined {
  const file = join(dir, 'state.json');
  if (!existsSync(file)) return undefined;
  const state = JSON.parse(readFileSync(file, 'utf8')) as State;
  return existsSync(`/proc/${state.pid}`) ? state : undefined;
}

/** Starts the service in the background and waits until it is ready. @throws with the end of its log. */
async function start(dir: string, ports: readonly string[]): Promise<State> {
  mkdirSync(dir, { recursive: true });
  const logFile = join(dir, 'dev.log');
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [CLI, 'dev', '--data-dir', dir, ...ports], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let exitCode: number | null | undefined;
  child.on('exit', (code) => {
    exitCode = code;
  });
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(100)) {
    const state = stateOf(dir);
    if (state !== undefined) {
      child.unref();
      return state;
    }
    if (exitCode !== undefined) break;
  }
  const tail = readFileSync(logFile, 'utf8').split('\n').slice(-15).join('\n');
  throw new Error(`the service did not become ready; the end of ${logFile}:\n${tail}`);
}

/** Two SDK clients exchange a message; returns their tokens. */
async function greet({ api, ws, adminSecrets }: State): Promise<Map<string, string>> {
  const endpoint: Endpoint = { api, ws };
  const rights = admin(endpoint, { adminUser: 'imAdmin', secret: adminSecrets.default ?? '' });
  await rights.ensureUsers(USERS);
  const tokens = new Map<string, string>();
  for (const user of USERS) tokens.set(user, await rights.userToken(user, PLATFORM_WEB));
  await using host = startJsHost();
  const [alice, bob] = await Promise.all(
    USERS.map(async (userID) => {
      const user = new SdkUser(userID, await host.open(userID));
      await user.login(endpoint, tokens.get(userID) ?? '');
      return user;
    }),
  );
  if (alice === undefined || bob === undefined) throw new Error('unreachable');
  const text = `hello bob, it is ${new Date().toISOString()}`;
  const begun = performance.now();
  const [sent, got] = await Promise.all([alice.sendText({ user: 'bob' }, text), bob.received(text)]);
  say(`alice → bob   "${text}"`);
  say(
    `              seq ${got.seq}, serverMsgID ${sent.serverMsgID}, delivered after ${(performance.now() - begun).toFixed(1)} ms`,
  );
  return tokens;
}

async function up(dir: string, ports: readonly string[]): Promise<void> {
  const begun = performance.now();
  const running = stateOf(dir);
  let state: State;
  if (running === undefined) {
    say(
      'store servers: looking for NATS, Redis, a MongoDB-compatible server and S3, installing what is missing',
    );
    for (const [name, server] of await installBackends()) say(`  ${name.padEnd(6)} ${server.description}`);
    say('starting the service (openimctl dev, every role in one process)');
    state = await start(dir, ports);
  } else {
    say(`already running (process ${running.pid})`);
    state = running;
  }
  const tokens = await greet(state);
  say('');
  say(`HTTP API      ${state.api}`);
  say(`WebSocket     ${state.ws}`);
  say(`health        ${state.ops}/readyz   metrics ${state.ops}/metrics`);
  say(`admin         imAdmin, secret ${state.adminSecrets.default}`);
  for (const [user, token] of tokens) say(`token ${user.padEnd(8)}${token}`);
  say('');
  say('next:');
  say('  npx openimctl user create carol');
  say('  npx openimctl token create carol --platform web');
  say('  npx openimctl send --from alice --to bob "hello"');
  say(
    `up after ${((performance.now() - begun) / 1000).toFixed(1)} s; logs in ${join(dir, 'dev.log')}; stop with: make down`,
  );
}

async function down(dir: string): Promise<void> {
  const state = stateOf(dir);
  if (state === undefined) {
    say('nothing is running');
  } else {
    process.kill(state.pid, 'SIGTERM');
    for (const deadline = Date.now() + STOP_TIMEOUT_MS; existsSync(`/proc/${state.pid}`); await sleep(100)) {
      if (Date.now() > deadline)
        throw new Error(`process ${state.pid} did not end within ${STOP_TIMEOUT_MS / 1000} s`);
    }
    say(`stopped process ${state.pid}`);
  }
  if (process.env.WIPE === '1') {
    rmSync(dir, { recursive: true, force: true });
    say(`removed ${dir}`);
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'data-dir': { type: 'string', default: '.dev' },
    'api-port': { type: 'string', default: '10002' },
    'ws-port': { type: 'string', default: '10001' },
    'ops-port': { type: 'string', default: '10300' },
  },
});
const dir = resolve(values['data-dir']);
const ports = (['api-port', 'ws-port', 'ops-port'] as const).flatMap((name) => [`--${name}`, values[name]]);
try {
  if (positionals[0] === 'up') await up(dir, ports);
  else if (positionals[0] === 'down') await down(dir);
  else throw new Error('usage: up.ts up|down [--data-dir <dir>]');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
