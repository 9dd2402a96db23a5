import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient, connectWire, sendMessage, textMessage } from '@im/client';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { textTable, usageOf } from '@im/proof';
import { badBody, type Senders } from '../bad-input/bad-bodies.ts';
import { badFrame, type Framing } from '../bad-input/bad-frames.ts';
import { meets, type Outcome, prober } from '../bad-input/frame-prober.ts';
import { chooseSeed, type Random, random } from '../bad-input/random.ts';

const FULL = process.env.FULL === '1';
const FRAMES = FULL ? 20_000 : 9_000;
const BODIES = FULL ? 5_000 : 2_500;
/** Share of the input after which memory is compared: allocators and compiled code take a while to settle. */
const WARM_SHARE = 0.6;
const MAX_GROWTH_BYTES = 10 * 1024 * 1024;
const FRAMINGS: readonly Framing[] = [
  { encoding: 'json', gzip: false },
  { encoding: 'json', gzip: true },
  { encoding: 'gob', gzip: false },
  { encoding: 'gob', gzip: true },
];
const PLATFORM = 5;
/** Collects garbage on SIGUSR2, so that memory can be compared; the thorough kind also gives free pages back. */
const COLLECT_ON_SIGNAL = `data:text/javascript,${encodeURIComponent(
  "process.on('SIGUSR2', () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }));",
)}`;

/** Makes the C library return what was freed, so that memory compares what is in use. */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/** By kind: how many were sent, and what was wrong with answers. */
interface Tally {
  readonly sent: Map<string, number>;
  readonly failures: Map<string, string[]>;
}

const seed = chooseSeed();

describe(`bad input, seed ${seed} (repeat with SEED=${seed}); ${FULL ? 'FULL=1' : 'short, FULL=1 for all'}`, () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await startCluster({
      topology: 'one',
      nodeFlags: ['--expose-gc', '--import', COLLECT_ON_SIGNAL],
      env: ALLOCATOR,
      // This checks refusals, not queued requests.
      config: {
        gateway: {
          handshakes: { ratePerSecond: 0, perLogin: { ratePerSecond: 0 } },
          requests: { bytesPerSecond: 0 },
        },
      },
    });
    const users = [...FRAMINGS.keys()].map((i) => `bad_${i}`);
    for (const tenant of ['default', 't2']) {
      await cluster.admin(tenant).ensureUsers([...users, 'bad_peer']);
    }
  });
  after(async () => {
    await cluster?.close();
  });

  async function settledRss(): Promise<number> {
    const server = cluster.process('all');
    for (let i = 0; i < 4; i++) {
      if (server.pid !== undefined) process.kill(server.pid, 'SIGUSR2');
      await sleep(400);
    }
    return usageOf(cluster).ours.rssBytes;
  }

  async function sendFrames(count: number, numbers: Random, { sent, failures }: Tally): Promise<void> {
    await Promise.all(
      FRAMINGS.map(async (framing, i) => {
        const userID = `bad_${i}`;
        const token = await cluster.admin('default').userToken(userID, PLATFORM);
        const probe = prober({
          ws: cluster.endpoint('default').ws,
          userID,
          token,
          platformID: PLATFORM,
          ...framing,
        });
        for (let n = 0; n < count / FRAMINGS.length; n++) {
          const bad = badFrame(numbers, framing, userID);
          const outcome: Outcome = await probe.probe(bad);
          sent.set(bad.kind, (sent.get(bad.kind) ?? 0) + 1);
          if (meets(outcome, bad.expected)) continue;
          const name = `${framing.encoding}${framing.gzip ? '+gzip' : ''}: ${bad.kind}`;
          const shown =
            typeof bad.frame === 'string' ? bad.frame : bad.frame.subarray(0, 200).toString('base64');
          const text = `expected ${JSON.stringify(bad.expected)}, got ${JSON.stringify(outcome)} for ${shown}`;
          failures.set(name, [...(failures.get(name) ?? []), text]);
        }
        probe.close();
      }),
    );
  }

  async function sendBodies(count: number, numbers: Random, { sent, failures }: Tally): Promise<void> {
    const userID = 'bad_0';
    const senders: Senders = {
      userID,
      token: await cluster.admin('default').userToken(userID, PLATFORM),
      adminToken: await cluster.admin('default').token(),
      foreignToken: await cluster.admin('t2').userToken(userID, PLATFORM),
    };
    const api = apiClient(cluster.endpoint('default').api, 8);
    const worker = async (): Promise<void> => {
      for (let n = 0; n < count / 8; n++) {
        const bad = badBody(numbers, senders);
        sent.set(bad.kind, (sent.get(bad.kind) ?? 0) + 1);
        let answer = '';
        let good = false;
        try {
          const { status, body } = await api.raw(bad.route, bad.body, { ...bad.headers });
          answer = `${status} ${body.slice(0, 300)}`;
          const { errCode } = JSON.parse(body) as { errCode?: number };
          good =
            bad.statuses.includes(status) &&
            typeof errCode === 'number' &&
            (bad.codes.length === 0 || bad.codes.includes(errCode));
        } catch (error) {
          answer += ` ${error}`;
          // A body beyond the limit may be cut off while it is still being sent.
          good = bad.kind === 'too large' && /ECONNRESET|EPIPE/.test(answer);
          good ||= bad.kind === 'unknown route' && answer.startsWith('404');
        }
        if (good) continue;
        const shown = bad.body.subarray(0, 200).toString('utf8');
        const text = `${bad.route} ${shown}: expected ${bad.statuses} with ${bad.codes}, got ${answer}`;
        failures.set(bad.kind, [...(failures.get(bad.kind) ?? []), text]);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    api.close();
  }

  function report({ sent, failures }: Tally): void {
    const rows = [...sent].sort().map(([kind, count]) => [kind, String(count)]);
    process.stdout.write(`\n${textTable([['kind', 'sent'], ...rows])}\n\n`);
    const texts = [...failures].map(([kind, list]) => `${kind}: ${list.length}, first: ${list[0]}`);
    assert.equal(failures.size, 0, texts.join('\n'));
  }

  type Send = (count: number, numbers: Random, tally: Tally) => Promise<void>;
  async function check(count: number, numbers: Random, send: Send): Promise<void> {
    const { pid } = cluster.process('all');
    const tally: Tally = { sent: new Map(), failures: new Map() };
    const warm = Math.round(count * WARM_SHARE);
    await send(warm, numbers, tally);
    const before = await settledRss();
    await send(count - warm, numbers, tally);
    const after = await settledRss();
    process.stdout.write(`RSS ${mebibytes(before)} after ${warm}, ${mebibytes(after)} at the end\n`);
    report(tally);
    assert.equal(cluster.process('all').pid, pid, 'the process lives');
    assert.ok(after - before <= MAX_GROWTH_BYTES, `grew by ${mebibytes(after - before)}`);
    await stillServes();
  }
  const what = 'each kind gets its answer, nothing crashes, memory returns';
  test(`${FRAMES} mutated frames: ${what}`, { timeout: 600_000 }, () =>
    check(FRAMES, random(seed), sendFrames),
  );
  test(`${BODIES} mutated bodies: ${what}`, { timeout: 600_000 }, () =>
    check(BODIES, random(seed ^ 1), sendBodies),
  );

  async function stillServes(): Promise<void> {
    const token = await cluster.admin('default').userToken('bad_peer', PLATFORM);
    const { ws } = cluster.endpoint('default');
    const connection = await connectWire({ ws, userID: 'bad_peer', token, platformID: PLATFORM });
    const answer = await sendMessage(
      connection,
      textMessage('bad_peer', { user: 'bad_0' }, `ok-${Date.now()}`, 'fine'),
    );
    assert.ok(answer.serverMsgID);
    connection.close();
  }
});

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
