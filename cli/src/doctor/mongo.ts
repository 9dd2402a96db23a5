import { MINIMUM_VERSIONS, type ServerConfig } from '@im/contract';
import { silentLogger } from '@im/process';
import { createMongoClient, mongoAddress } from '@im/store';
import { clockFinding } from './clock.ts';
import { type Finding, fine } from './finding.ts';
import { spaceFinding } from './host.ts';
import { failureFinding, within } from './probe.ts';
import { storeVersionFinding } from './versions.ts';
import { writableFinding } from './writable.ts';

/** Collection of the documents that are written to see whether the store takes one. */
const WRITTEN = 'doctor';

/** MongoDB: reachable, version, clock, replication, space, takes a write. */
export async function mongoFindings(config: ServerConfig['mongo'], subject: string): Promise<Finding[]> {
  let client: ReturnType<typeof createMongoClient> | undefined;
  try {
    client = createMongoClient(mongoAddress(config, silentLogger()), 2);
    const database = client.db(config.database);
    const sentAt = Date.now();
    const hello = await within(database.command({ hello: 1 }));
    const answeredAt = Date.now();
    const { version } = await within(client.db('admin').command({ buildInfo: 1 }));
    const clock =
      hello.localTime instanceof Date
        ? [clockFinding(subject, hello.localTime.getTime(), { sentAt, answeredAt }, 1)]
        : [];
    return [
      fine('mongodb.reachable', subject, `answers after ${answeredAt - sentAt} ms`),
      storeVersionFinding('mongodb', subject, String(version), MINIMUM_VERSIONS.mongodb),
      ...clock,
      replication(subject, hello),
      ...space(subject, await within(database.command({ dbStats: 1 }))),
      await writableFinding('mongodb', subject, async () => {
        const written = database.collection(WRITTEN, { writeConcern: { w: 'majority', journal: true } });
        const { insertedId } = await written.insertOne({ at: new Date() });
        await written.deleteOne({ _id: insertedId });
      }),
    ];
  } catch (error) {
    return [failureFinding('mongodb', subject, error)];
  } finally {
    await client?.close().catch(() => {});
  }
}

function replication(subject: string, hello: { [field: string]: unknown }): Finding {
  const check = 'mongodb.durability';
  if (hello.msg === 'isdbgrid') return fine(check, subject, 'sharded');
  const members = Array.isArray(hello.hosts) ? hello.hosts.length : 0;
  if (members >= 3) return fine(check, subject, `a replica set of ${members}`);
  return {
    ...{ check, subject, severity: 'warning' },
    message: members === 0 ? 'no replica set' : `a replica set of ${members}`,
    meaning: 'Stored messages are on one disk: when it is lost, they are.',
    remedy: 'For production use a replica set of three, or keep backups (docs/operations/backup.md).',
  };
}

function space(subject: string, stats: { [field: string]: unknown }): Finding[] {
  const { fsUsedSize, fsTotalSize } = stats;
  if (typeof fsUsedSize !== 'number' || typeof fsTotalSize !== 'number' || fsTotalSize === 0) return [];
  return [
    spaceFinding(
      'mongodb.disk',
      subject,
      fsUsedSize,
      fsTotalSize,
      'A database that cannot write stops, and messages wait in the message log until that is full.',
      'Enlarge its disk; retention (docs/operations/scheduled-jobs.md) removes old messages.',
    ),
  ];
}
