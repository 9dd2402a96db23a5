import { LOG_SHARE, PARTITIONS, STREAM, type TenantId } from '@im/contract';
import { untilAborted } from '@im/kit';
import type { Logger } from '@im/process';
import { decodeFolded, encodeFolded, LARGE_RECORD_BYTES } from './fold-pace.ts';
import { isApiError, JS_ERROR, jetStreamCall, streamInfo } from './jetstream-api.ts';
import { LogAppender } from './log-append.ts';
import { followLog } from './log-follow.ts';
import { readLog } from './log-read.ts';
import type { NatsLink } from './nats-link.ts';
import { FOLDED, parseLogSubject } from './subjects.ts';
import { TenantShares } from './tenant-shares.ts';
import type {
  Appended,
  AppendOptions,
  BusConfig,
  BusDeps,
  LogEntry,
  LogFollowOptions,
  LogInfo,
  LogReadOptions,
  MessageLog,
} from './types.ts';

const SIZE_CHECK_MS = 2_000;
const ALL_PARTITIONS = Array.from({ length: PARTITIONS }, (_, partition) => partition);

interface StoredMessageAnswer {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    readonly data?: string;
    readonly time: string;
  };
}

/** The message log on stream MSGS. */
export class NatsMessageLog implements MessageLog {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #appender: LogAppender;
  readonly #tenants: BusDeps['tenants'];
  readonly #shares = new TenantShares();
  #tenantLimit: number;
  #share = 0;

  constructor(link: NatsLink, config: BusConfig, deps: BusDeps) {
    this.#link = link;
    this.#log = deps.log;
    this.#tenants = deps.tenants;
    this.#tenantLimit = config.tenantLogShare;
    deps.live?.onChange(({ nats }) => {
      this.#tenantLimit = nats.tenantLogShare;
    });
    this.#appender = new LogAppender(link, config, deps, {
      isFull: () => this.#share >= LOG_SHARE.refuse,
      refusalOf: (tenant) => this.#refusalOf(tenant),
    });
    link.subscribe(FOLDED, ({ data }) => this.#appender.folded(decodeFolded(data)));
    deps.metrics.observe(
      'openim_log_largest_tenant_ratio',
      "Share of the message log, as this process wrote it, that is one tenant's: the largest",
      () => this.#shares.largest,
    );
    deps.metrics.observe(
      'openim_log_used_ratio',
      'Share of the size limit that the log uses',
      () => this.#share,
    );
    deps.metrics.observe('openim_log_size_alarm', '1 when the log uses 70 % of its size limit or more', () =>
      this.#share >= LOG_SHARE.alarm ? 1 : 0,
    );
    deps.tasks.every('bus-log-size', SIZE_CHECK_MS, () => this.checkSize());
  }

  append(
    tenant: TenantId,
    partition: number,
    record: Uint8Array,
    options?: AppendOptions,
  ): Promise<Appended> {
    const appended = this.#appender.append(tenant, partition, record, options);
    this.#shares.note(tenant, record.length);
    return appended;
  }

  /** Why this tenant may not append now: it has filled more than its share of a log that is filling up. */
  #refusalOf(tenant: TenantId): string | undefined {
    if (this.#share < LOG_SHARE.alarm || (this.#tenants?.list().length ?? 0) < 2) return undefined;
    const share = this.#shares.of(tenant) * this.#share;
    if (share <= this.#tenantLimit) return undefined;
    const percent = (part: number) => `${Math.round(part * 100)} %`;
    return `messages of tenant ${tenant} fill ${percent(share)} of the message log, which is ${percent(this.#share)} full; at most ${percent(this.#tenantLimit)} then (nats.tenantLogShare); try again later`;
  }

  read(options: LogReadOptions): Promise<void> {
    return readLog(this.#link, options, this.#log, this);
  }

  follow(name: string, options: LogFollowOptions): Promise<void> {
    return followLog(this.#link, name, options, this.#log);
  }

  async info(): Promise<LogInfo> {
    const { config, state, created } = await streamInfo(this.#link, STREAM.log);
    return {
      createdMs: Date.parse(created),
      firstPosition: Math.max(1, state.first_seq),
      lastPosition: state.last_seq,
      bytes: state.bytes,
      maxBytes: config.max_bytes,
    };
  }

  async entryAt(position: number): Promise<LogEntry | undefined> {
    try {
      const { message } = await jetStreamCall<StoredMessageAnswer>(
        this.#link,
        `STREAM.MSG.GET.${STREAM.log}`,
        {
          seq: position,
        },
      );
      const place = parseLogSubject(message.subject);
      if (!place) return undefined;
      const record = Buffer.from(message.data ?? '', 'base64');
      return { ...place, position, timeMs: Date.parse(message.time), record };
    } catch (error) {
      if (isApiError(error, JS_ERROR.NoMessageFound)) return undefined;
      throw error;
    }
  }

  async firstSince(timeMs: number): Promise<LogEntry | undefined> {
    const { createdMs } = await this.info();
    const found = new AbortController();
    let first: LogEntry | undefined;
    await this.read({
      partitions: ALL_PARTITIONS,
      from: { timeMs },
      createdMs,
      maxBatch: 1,
      onBatch: async ([entry]) => {
        first ??= entry;
        found.abort();
      },
      onNothing: () => found.abort(),
      signal: found.signal,
    });
    return first;
  }

  async purgeBefore(position: number): Promise<void> {
    await jetStreamCall(this.#link, `STREAM.PURGE.${STREAM.log}`, { seq: position });
  }

  announceFolded(entries: readonly LogEntry[]): void {
    const folded = new Map<number, number>();
    for (const { partition, position, record } of entries) {
      if (record.length >= LARGE_RECORD_BYTES) folded.set(partition, position);
    }
    if (folded.size > 0) this.#link.publish(FOLDED, encodeFolded(folded));
  }

  /** Looks how full the log is. Appends are refused by the last answer; without one nothing changes. */
  async checkSize(): Promise<void> {
    if (!this.#link.up) return;
    try {
      const { bytes, maxBytes, firstPosition, lastPosition } = await this.info();
      this.#shares.update(firstPosition, lastPosition);
      const share = maxBytes > 0 ? bytes / maxBytes : 0;
      if (share >= LOG_SHARE.alarm && this.#share < LOG_SHARE.alarm) {
        this.#log.error({ bytes, maxBytes }, 'the message log is filling up: transfer does not keep pace');
      }
      this.#share = share;
    } catch (error) {
      this.#log.debug({ err: error }, 'the size of the log is unknown');
    }
  }

  /** Refuses new records and waits for the answers of those accepted, until `deadline` aborts. */
  async stop(deadline: AbortSignal): Promise<void> {
    await untilAborted(this.#appender.close(), deadline);
  }
}
