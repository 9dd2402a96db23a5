import type { TenantId } from '@im/contract';
import type { Logger } from '@im/process';
import { consumeDeliveries } from './deliveries-consume.ts';
import { NatsDeliveryFeed } from './delivery-feed.ts';
import { DeliveryPublisher, subjectOf } from './delivery-publisher.ts';
import type { NatsLink } from './nats-link.ts';
import { AnnouncedProducer } from './producer.ts';
import { ProducerWatch } from './producer-watch.ts';
import { tenantDeliverySubjects } from './subjects.ts';
import type {
  BusDeps,
  ConsumeOptions,
  Deliveries,
  DeliveryFeed,
  DeliveryProducer,
  FeedOptions,
  OutgoingDelivery,
  ProducerOptions,
  Unsubscribe,
} from './types.ts';

/** Deliveries on user and group subjects and in stream SEQ. */
export class NatsDeliveries implements Deliveries {
  readonly #link: NatsLink;
  readonly #deps: BusDeps;
  readonly #log: Logger;
  readonly #publisher: DeliveryPublisher;
  readonly #watch: ProducerWatch;

  constructor(link: NatsLink, deps: BusDeps) {
    this.#link = link;
    this.#deps = deps;
    this.#log = deps.log;
    this.#publisher = new DeliveryPublisher(link, deps);
    this.#watch = new ProducerWatch(link, deps);
  }

  publish(batch: readonly OutgoingDelivery[]): Promise<void> {
    return this.#publisher.publish(batch);
  }

  publishTransient(outgoing: OutgoingDelivery): void {
    this.#link.publish(subjectOf(outgoing), outgoing.payload);
  }

  feed(options: FeedOptions): DeliveryFeed {
    this.#watch.start();
    return new NatsDeliveryFeed(this.#link, this.#deps, this.#watch, options);
  }

  watch(tenant: TenantId, onDelivery: (payload: Uint8Array) => void): Unsubscribe {
    const handler = (message: { readonly data: Uint8Array }) => onDelivery(message.data);
    const ends = tenantDeliverySubjects(tenant).map((subject) => this.#link.subscribe(subject, handler));
    return () => {
      for (const end of ends) end();
    };
  }

  announceProducer(options: ProducerOptions): DeliveryProducer {
    this.#watch.start();
    return new AnnouncedProducer(this.#link, this.#deps, this.#publisher, this.#watch, options);
  }

  consume(name: string, options: ConsumeOptions): Promise<void> {
    return consumeDeliveries(this.#link, name, options, this.#log);
  }
}
