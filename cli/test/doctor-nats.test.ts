import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBus } from '@im/bus';
import { ServerConfig } from '@im/contract';
import { startNatsCluster } from '@im/dev-stores';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import type { Finding } from '../src/doctor/finding.ts';
import { natsFindings } from '../src/doctor/nats.ts';

const SEEN_WITHIN_MS = 90_000;

test('servers of NATS that are missing are counted, and what it means for messages is said', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'im-doctor-nats-'));
  try {
    await using cluster = await startNatsCluster(dir);
    const settings = {
      servers: [...cluster.uris],
      replicas: 3,
      logMaxBytes: 4_194_304,
      seqMaxBytes: 4_194_304,
    };
    const config = ServerConfig.parse({ nats: settings }).nats;
    const untilFound = async (check: string, severity: Finding['severity']): Promise<Finding> => {
      for (const deadline = performance.now() + SEEN_WITHIN_MS; ; await sleep(500)) {
        const findings = await natsFindings(config, 'nats');
        const found = findings.find((each) => each.check === check && each.severity === severity);
        if (found) return found;
        assert.ok(performance.now() < deadline, JSON.stringify(findings));
      }
    };
    const [, second, last] = cluster.servers;
    {
      await using _bus = await startBus(config);
      assert.match((await untilFound('nats.durability', 'ok')).message, /^3 copies of the message log/);
    }
    await last?.kill();
    const two = await untilFound('nats.copies', 'warning');
    assert.match(two.message, /^2 of 3 copies of the message log are up to date/);
    assert.match(two.meaning, /accepted and safe, but if another server fails, none is accepted/);
    await second?.kill();
    const one = await untilFound('nats.majority', 'critical');
    assert.match(one.message, /too few of its cluster are running for a majority/);
    assert.match(
      one.meaning,
      /No message is accepted until a majority is back.*no acknowledged message is lost/,
    );
    await second?.restart();
    await last?.restart();
    await untilFound('nats.durability', 'ok');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

/** A bus, which makes the streams. */
async function startBus(config: ServerConfig['nats']): Promise<AsyncDisposable> {
  const log = silentLogger();
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log, metrics });
  const bus = createBus(config, { log, metrics, tasks, instanceId: 'doctor-test' });
  await bus.start();
  return {
    async [Symbol.asyncDispose]() {
      await bus.stop(AbortSignal.timeout(2_000));
      await tasks.stop();
    },
  };
}
