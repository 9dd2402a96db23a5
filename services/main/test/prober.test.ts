import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProberStatus, type ProcessStatus, parseConfig, type ServerConfigInput } from '@im/contract';
import { type ReservedPorts, reservePorts, type StartedBackends, startBackends } from '@im/dev-stores';
import { silentLogger } from '@im/process';
import { MongoClient } from 'mongodb';
import { type RunningServer, runServer } from '../src/index.ts';

/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;
const TENANT = 'openim-probe';

let dir: string;
let backends: StartedBackends<'nats' | 'mongo' | 'redis' | 's3'>;
let reserved: ReservedPorts;
let server: RunningServer;
let mongo: MongoClient;
let file: string;
/** A config whose API does not answer. */
let lonelyFile: string;
const children = new Set<ChildProcess>();

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'im-prober-'));
  backends = await startBackends({ dir, only: ['nats', 'mongo', 'redis', 's3'] });
  reserved = await reservePorts(4);
  const [gateway = 0, api = 0, ops = 0, closed = 0] = reserved.ports;
  const { nats, redis, s3 } = backends;
  const config: ServerConfigInput = {
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    gateway: { port: gateway },
    api: { port: api },
    nats: { servers: [nats.uri] },
    mongo: { uri: backends.mongo.uri },
    redis: { uri: redis.uri },
    s3: { endpoint: s3.endpoint, accessKey: s3.accessKey, secretKey: s3.secretKey },
    prober: {
      tenant: TENANT,
      apiURL: `http://127.0.0.1:${api}`,
      gatewayURL: `ws://127.0.0.1:${gateway}`,
      messagesPerSecond: 20,
      roundSeconds: 2,
    },
    tenants: ['default', TENANT].map((id) => ({ id, tokenSecret: 's', adminSecret: 'secret' })),
  };
  file = join(dir, 'im.yaml');
  await writeFile(file, JSON.stringify({ ...config, ops: { port: ops } }));
  lonelyFile = join(dir, 'lonely.yaml');
  const prober = { ...config.prober, apiURL: `http://127.0.0.1:${closed}` };
  await writeFile(lonelyFile, JSON.stringify({ ...config, ops: { port: ops }, prober }));
  mongo = await MongoClient.connect(backends.mongo.uri);
  server = await runServer(parseConfig(config), { roles: ['all'], log: silentLogger() });
  await server.untilReady(AbortSignal.timeout(LONG_MS));
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await server?.stop();
  await mongo?.close();
  await reserved?.release();
  await backends?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** A prober in a process of its own. */
function startProber(config = file): ChildProcess {
  const entry = join(import.meta.dirname, '../src/entry.ts');
  const child = spawn(process.execPath, [entry, 'serve', 'prober', '--config', config], { stdio: 'ignore' });
  children.add(child);
  return child;
}

async function killed(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
  children.delete(child);
}

/** The prober's report, once `holds` does. */
async function reported(holds: (prober: ProberStatus) => boolean): Promise<ProberStatus> {
  for (const deadline = Date.now() + LONG_MS; ; await sleep(100)) {
    const url = `http://127.0.0.1:${reserved.ports[2]}/status`;
    const status = await fetch(url).then(
      async (response) => (await response.json()) as ProcessStatus,
      () => undefined,
    );
    if (status?.prober && holds(status.prober)) return status.prober;
    assert.ok(Date.now() < deadline, JSON.stringify(status?.prober));
  }
}

/** Series of a metric of the prober, by their labels. */
async function series(name: string): Promise<Record<string, number>> {
  const text = await fetch(`http://127.0.0.1:${reserved.ports[2]}/metrics`).then((response) =>
    response.text(),
  );
  const lines = text.split('\n').filter((line) => line.startsWith(name));
  return Object.fromEntries(
    lines.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}

const stored = () => mongo.db('openim').collection<CheckpointDocument>('prober').findOne({});
interface CheckpointDocument {
  readonly checkpoint: {
    readonly open?: { readonly number: number; readonly acknowledged: Record<string, number> };
  };
}

const faults = ({ lost, duplicated, reordered, refused, other }: ProberStatus) =>
  [lost, duplicated, reordered, refused, other].join(' ');

test('before the first round there are series of nothing found, so that alerts have something to compare with', async () => {
  const child = startProber(lonelyFile);
  for (const deadline = Date.now() + LONG_MS; ; await sleep(100)) {
    const messages = await series('openim_prober_messages').catch(() => ({}));
    const [judgedUntil = 0] = Object.values(
      await series('openim_prober_judged_until_seconds').catch(() => ({})),
    );
    if (Object.keys(messages).length === 8 && judgedUntil > 0) {
      assert.deepEqual([...new Set(Object.values(messages))], [0]);
      assert.ok(judgedUntil > 1e9, 'nothing is overdue yet');
      break;
    }
    assert.ok(Date.now() < deadline, JSON.stringify({ messages, judgedUntil }));
  }
  await killed(child);
});

test('messages are sent, acknowledged and received, round after round; nothing is found', async () => {
  startProber();
  const first = await reported(({ judgedUntil }) => judgedUntil > 0);
  const later = await reported(({ judgedUntil }) => judgedUntil > first.judgedUntil);
  assert.equal(faults(later), '0 0 0 0 0', JSON.stringify(later.findings));
  assert.ok(later.sent > first.sent && first.sent >= 6, 'every stream has sent');
  assert.equal(later.acknowledged, later.sent);
  // Each message reaches both users of a chat, and all six of the group.
  assert.ok(later.received >= 2 * later.acknowledged);
  assert.ok(later.acknowledgeP99Ms > 0);
});

test('a prober that is stopped in order leaves no acknowledgement unknown', async () => {
  const [running] = children;
  assert.ok(running);
  const before = await reported(() => true);
  const sends = async () => Object.keys((await stored())?.checkpoint.open?.acknowledged ?? {}).length > 0;
  while (!(await sends())) await sleep(20);
  await killed(running, 'SIGTERM');
  assert.ok((await stored())?.checkpoint.open, 'the round was not judged');
  startProber();
  const after = await reported(({ judgedUntil }) => judgedUntil > before.judgedUntil);
  assert.equal(faults(after), '0 0 0 0 0', JSON.stringify(after.findings));
  assert.ok(after.sent > before.sent);
  assert.equal(after.acknowledged, after.sent, 'all that is stored was acknowledged');
});

test('a killed prober loses no proof, and finds what was acknowledged before and is not stored', async () => {
  const [running] = children;
  assert.ok(running);
  const before = await reported(() => true);
  // In the middle of a round, with acknowledged messages.
  const acknowledged = async () => Object.entries((await stored())?.checkpoint.open?.acknowledged ?? {});
  while (!(await acknowledged()).some(([name, count]) => name.startsWith('s') && count > 0)) await sleep(20);
  await killed(running);
  const open = (await stored())?.checkpoint.open;
  assert.ok(open, 'the round was not judged');
  startProber();
  const after = await reported(({ judgedUntil }) => judgedUntil > before.judgedUntil);
  assert.equal(faults(after), '0 0 0 0 0', JSON.stringify(after.findings));
  assert.ok(after.sent > before.sent, 'the counts go on');
  assert.equal(after.since, before.since);

  const [second] = children;
  assert.ok(second);
  const round = (await stored())?.checkpoint.open?.number ?? 0;
  const later = async () => ((await stored())?.checkpoint.open?.number ?? 0) > round;
  while (!((await later()) && (await acknowledged()).some(([name, count]) => name === 's23' && count > 0)))
    await sleep(20);
  await killed(second);
  // The newest message of a chat of two disappears from the database.
  const rows = mongo.db('openim').collection('msg');
  const [newest] = await rows.find({ s: /_3$/, r: /_4$/ }).sort({ p: -1 }).limit(1).toArray();
  assert.ok(newest);
  await rows.deleteOne({ _id: newest._id });
  startProber();
  const harmed = await reported(({ lost }) => lost > 0);
  assert.equal(harmed.duplicated + harmed.reordered, 0, JSON.stringify(harmed.findings));
  assert.match(harmed.findings.at(-1)?.text ?? '', /missing|not stored|no message/);
});
