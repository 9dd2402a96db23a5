import { COUNT_BUCKETS, type Metrics } from '@im/kit';

/** Steps of a batch whose time is measured. */
export type Stage = 'load' | 'membership' | 'rows' | 'effects' | 'deliver';

/** Metrics of transfer. */
export function transferMetrics(metrics: Metrics) {
  const stages = metrics.histogram('openim_transfer_stage_seconds', 'Time of the steps of a batch', [
    'stage',
  ]);
  const failures = metrics.counter(
    'openim_transfer_stage_failures_total',
    'Steps of a batch that failed and come again',
    ['stage'],
  );
  const rows = metrics.counter('openim_transfer_rows_total', 'Rows written');
  const deliveries = metrics.counter('openim_transfer_deliveries_total', 'Deliveries published');
  const deadLetters = metrics.counter(
    'openim_transfer_dead_letters_total',
    'Records that could not be stored',
  );
  const failed = (stage: Stage) => failures.get().values.filter(({ labels }) => labels.stage === stage);
  metrics.derived(
    'msg_insert_mongo_success_total',
    'As openim_transfer_rows_total; OpenIM’s name',
    [],
    () => rows.get().values,
  );
  metrics.derived(
    'msg_insert_mongo_failed_total',
    'Batches whose rows could not be written, and records that never can; OpenIM’s name',
    [],
    () => [...failed('rows'), ...deadLetters.get().values],
  );
  metrics.derived(
    'msg_insert_redis_success_total',
    'As openim_transfer_deliveries_total, since no messages are in Redis here; OpenIM’s name',
    [],
    () => deliveries.get().values,
  );
  metrics.derived(
    'msg_insert_redis_failed_total',
    'Batches whose deliveries could not be published; OpenIM’s name',
    [],
    () => failed('deliver'),
  );
  metrics.derived('seq_set_failed_total', 'Batches whose seqs could not be written; OpenIM’s name', [], () =>
    failed('effects'),
  );
  return {
    batch: metrics.histogram('openim_transfer_batch_records', 'Records of a batch', [], COUNT_BUCKETS),
    records: metrics.counter('openim_transfer_records_total', 'Records folded, by what became of them', [
      'outcome',
    ]),
    rows,
    deliveries,
    lag: metrics.gauge(
      'openim_transfer_lag_records',
      'Records of the own partitions that are not folded yet',
    ),
    owned: metrics.gauge('openim_transfer_partitions', 'Partitions that this process folds'),
    parkedTenants: metrics.gauge(
      'openim_transfer_parked_tenants',
      'Tenants whose records wait, since they cannot be folded',
    ),
    parkedConversations: metrics.gauge(
      'openim_transfer_parked_conversations',
      'Conversations whose records wait, since the database contradicts the log',
    ),
    parkedRecords: metrics.gauge('openim_transfer_parked_records', 'Records that wait to be folded later'),
    unparked: metrics.counter('openim_transfer_unparked_total', 'Records folded after they had waited'),
    consumers: metrics.counter('openim_transfer_lanes_total', 'Runs over partitions, by how they ended', [
      'end',
    ]),
    deadLetters,
    dedupKeys: metrics.gauge('openim_transfer_dedup_keys', 'Dedup keys in memory'),
    conversations: metrics.gauge('openim_transfer_conversations', 'Conversations in memory'),
    async timed<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
      const end = stages.startTimer({ stage });
      try {
        return await work();
      } catch (error) {
        failures.inc({ stage });
        throw error;
      } finally {
        end();
      }
    },
  };
}

export type TransferMetrics = ReturnType<typeof transferMetrics>;
