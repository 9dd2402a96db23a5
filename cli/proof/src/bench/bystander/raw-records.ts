import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBus } from '@im/bus';
import { PARTITIONS, ServerConfig, tenantId } from '@im/contract';
import { createLogger, createMetrics, createTaskRunner } from '@im/process';
import { encode, make } from '@im/protocol';
import { type AttackContext, loops } from './attack.ts';

/** Pause between two records. */
const EVERY_MS = 20;

/** Writes records of a tenant into every partition of the log, past the services that would refuse them. */
export async function rawRecords(
  { nats, tally }: AttackContext,
  tenant: string,
): Promise<(signal: AbortSignal) => Promise<void>> {
  if (nats === undefined) throw new Error('needs the NATS server');
  const log = createLogger({ level: 'fatal' });
  const metrics = createMetrics();
  const tasks = createTaskRunner({ log, metrics });
  const config = ServerConfig.parse({ nats: { servers: [nats] } }).nats;
  const bus = createBus(config, { log, metrics, tasks, instanceId: 'attack' });
  await bus.start();
  const message = (clientMsgID: string) =>
    make('sdkws.MsgData', { sendID: 'a', recvID: 'b', clientMsgID, sessionType: 1, contentType: 101 });
  return async (signal) => {
    await loops(1, signal, tally, async (_, turn) => {
      const record = make('log.Record', {
        dedupKey: randomBytes(16),
        version: 1,
        tenant,
        sendID: 'a',
        recvID: 'b',
        sessionType: 1,
        contentType: 101,
        sendTime: Date.now(),
        entries: [
          make('log.Entry', {
            conversationID: 'si_a_b',
            stored: true,
            msgData: encode('sdkws.MsgData', message(`${turn}`)),
            userIDs: ['a', 'b'],
          }),
        ],
      });
      await bus.log.append(tenantId(tenant), turn % PARTITIONS, encode('log.Record', record));
      await sleep(EVERY_MS);
      return 'appended';
    });
    await bus.stop(AbortSignal.timeout(2_000));
    await tasks.stop();
  };
}
