import { Backoff, type Invalidations, messageOf, type ProcessDirectory } from '@im/kit';
import { type Logger, notReady, READY, type Readiness } from '@im/process';
import { NatsDeliveries } from './deliveries.ts';
import { NatsEvents } from './events.ts';
import { NatsGatewayRequests } from './gateway-requests.ts';
import { NatsInvalidations } from './invalidations.ts';
import { NatsMessageLog } from './message-log.ts';
import { NatsLink } from './nats-link.ts';
import { NatsProcessDirectory } from './process-directory.ts';
import { ensureStreams, streamsExist } from './streams.ts';
import { partitionOf } from './subjects.ts';
import { natsTenantRecords } from './tenant-records.ts';
import type {
  Bus,
  BusConfig,
  BusDeps,
  Deliveries,
  Events,
  GatewayRequests,
  MessageLog,
  TenantRecords,
  WebhookQueue,
} from './types.ts';
import { NatsWebhookQueue } from './webhook-queue.ts';

/** A deleted stream is missed after this long at most. */
const STREAMS_CHECK_MS = 5_000;
const SIZE_RETRY_MS = 30_000;

/** Builds a bus; nothing is connected before {@link Bus.start}. */
export function createBus(config: BusConfig, deps: BusDeps): Bus {
  return new NatsBus(config, { ...deps, log: deps.log.child({ part: 'bus' }) });
}

class NatsBus implements Bus {
  readonly log: MessageLog;
  readonly deliveries: Deliveries;
  readonly events: Events;
  readonly webhooks: WebhookQueue;
  readonly processes: ProcessDirectory;
  readonly gateways: GatewayRequests;
  readonly tenantRecords: TenantRecords;
  readonly invalidations: Invalidations;
  readonly #messageLog: NatsMessageLog;
  readonly #link: NatsLink;
  #config: BusConfig;
  readonly #logger: Logger;
  #sizesDiffer = false;
  #ensuredAt = 0;
  #streamsReason = 'the streams have not been looked at';

  constructor(config: BusConfig, deps: BusDeps) {
    this.#config = config;
    this.#logger = deps.log;
    this.#link = new NatsLink(config, deps);
    this.#messageLog = new NatsMessageLog(this.#link, config, deps);
    this.log = this.#messageLog;
    this.deliveries = new NatsDeliveries(this.#link, deps);
    this.events = new NatsEvents(this.#link, deps.log);
    this.webhooks = new NatsWebhookQueue(this.#link, config, deps);
    this.processes = new NatsProcessDirectory(this.#link, deps.log, deps.instanceId);
    this.gateways = new NatsGatewayRequests(this.#link, deps.log);
    this.tenantRecords = natsTenantRecords(this.#link);
    this.invalidations = new NatsInvalidations(this.#link, this.events, deps.log, deps.instanceId);
    const ensure = deps.tasks.coalesce('bus-streams', (signal) => this.#ensureStreams(signal));
    // A server that lost its memory has lost SEQ: the first one to come back makes it again.
    this.#link.listen({ onUp: ensure });
    deps.live?.onChange(({ nats: { logMaxBytes, seqMaxBytes } }) => {
      if (this.#config.logMaxBytes === logMaxBytes && this.#config.seqMaxBytes === seqMaxBytes) return;
      this.#config = { ...this.#config, logMaxBytes, seqMaxBytes };
      ensure();
    });
    deps.tasks.every('bus-streams-check', STREAMS_CHECK_MS, async () => {
      if (this.#link.up && (this.#isSizeDue() || (await this.#areMissing()))) ensure();
    });
  }

  partitionOf(queueKey: string): number {
    return partitionOf(queueKey);
  }

  async start(): Promise<void> {
    this.#link.start();
  }

  ready(): Readiness {
    const link = this.#link.ready();
    if (!link.ready) return link;
    return this.#streamsReason === '' ? READY : notReady(this.#streamsReason);
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#messageLog.stop(deadline);
    await this.#link.stop();
  }

  /** A server that has no room for a stream yet, its volume growing, is asked again. */
  #isSizeDue(): boolean {
    return this.#sizesDiffer && performance.now() - this.#ensuredAt > SIZE_RETRY_MS;
  }

  /** Whether the server says that a stream is gone; a server that does not answer says nothing. */
  async #areMissing(): Promise<boolean> {
    try {
      return !(await streamsExist(this.#link));
    } catch (error) {
      this.#logger.debug({ err: error }, 'streams could not be looked at');
      return false;
    }
  }

  async #ensureStreams(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 50, maxMs: 2_000 });
    for (;;) {
      const { outages } = this.#link;
      try {
        await this.#link.whenUp(60_000);
        const config = this.#config;
        this.#sizesDiffer = !(await ensureStreams(this.#link, config, this.#logger));
        this.#ensuredAt = performance.now();
        this.#streamsReason = '';
        await this.#messageLog.checkSize();
        if (this.#link.outages === outages && this.#config === config) return;
      } catch (error) {
        this.#streamsReason = `streams: ${messageOf(error)}`;
        this.#logger.debug({ err: error }, 'streams could not be made sure of');
        await backoff.wait(signal);
      }
    }
  }
}
