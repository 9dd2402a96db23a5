import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_TENANT, ServerConfig } from '@im/contract';
import { type Backend, startNats } from '@im/dev-stores';
import { type Metrics, newInstanceId, sleep, type TenantDirectory } from '@im/kit';
import { createLogger, createMetrics, createTaskRunner, type LiveConfig, type TaskRunner } from '@im/process';
import { encode, make } from '@im/protocol';
import { type Bus, createBus, type OutgoingDelivery } from '../src/index.ts';

/** A bus with separate parts, as in a process. */
export interface TestBus extends AsyncDisposable {
  readonly bus: Bus;
  readonly tasks: TaskRunner;
  readonly metrics: Metrics;
  readonly instanceId: string;
}

/** A NATS server in a temporary folder, removed at the end. */
export async function startTestNats(): Promise<Backend> {
  const dir = await mkdtemp(join(tmpdir(), 'openim-bus-'));
  // These tests kill the server, so they need a separate one.
  delete process.env.NATS_URL;
  const backend = await startNats({ dir });
  const dispose = backend[Symbol.asyncDispose].bind(backend);
  backend[Symbol.asyncDispose] = async () => {
    await dispose();
    await rm(dir, { recursive: true, force: true });
  };
  return backend;
}

/** A started bus; `settings` overrides the configuration. */
export async function startTestBus(
  uri: string,
  settings: Partial<ServerConfig['nats']> = {},
  live?: LiveConfig,
  tenants?: Pick<TenantDirectory, 'list'>,
): Promise<TestBus> {
  const log = createLogger({ level: process.env.TEST_LOG === 'debug' ? 'debug' : 'silent' });
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log, metrics });
  const instanceId = newInstanceId();
  const config = { ...ServerConfig.parse({ nats: { servers: [uri] } }).nats, ...settings };
  const bus = createBus(config, {
    log,
    metrics,
    tasks,
    instanceId,
    ...(live && { live }),
    ...(tenants && { tenants }),
  });
  await bus.start();
  return {
    bus,
    tasks,
    metrics,
    instanceId,
    async [Symbol.asyncDispose]() {
      await bus.stop(AbortSignal.timeout(2_000));
      await tasks.stop();
    },
  };
}

/** Waits until `condition` holds. @throws with `what` after `limitMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 60_000,
): Promise<void> {
  const limit = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`${what}: not within ${limitMs} ms`);
    await sleep(5);
  }
}

/** A delivery to one user, in partition 0. */
export function toUser(
  userID: string,
  conversationID: string,
  position: number,
  fence = 1,
  tenant = DEFAULT_TENANT,
): OutgoingDelivery {
  const payload = encode(
    'log.Delivery',
    make('log.Delivery', {
      tenant,
      targetUserID: userID,
      conversationID,
      position,
      seq: position,
      fence,
    }),
  );
  return { tenant, targetUserID: userID, payload };
}
