import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Collection, MongoClient } from 'mongodb';
import { type Backend, withBackends } from '../src/index.ts';

/** A server that does not sync loses rows at its first kill or soon after. */
const KILLS = process.env.FULL === '1' ? 50 : 15;
const WRITERS = 4;
const BATCH = 10;
/** How long a round writes at most before the kill, counted from its first acknowledgement. */
const WRITE_MS = 500;
const FIRST_ACK_MS = 30_000;
const DURABLE = { writeConcern: { w: 'majority', j: true } } as const;
const COUNTER = 'counter';
const skip = process.env.MONGO_URI ? 'MONGO_URI is external and cannot be killed' : false;

interface Row {
  _id: string;
  round: number;
  n?: number;
}

/** The writes of a round that were acknowledged. */
interface Acknowledged {
  rows: string[];
  counter: number;
}

/** What became of all rounds. */
interface Tally {
  kills: number;
  acknowledged: number;
  lost: number;
  /** Written, but killed before the acknowledgement: may or may not be stored. */
  unanswered: number;
  /** Restarts after which the counter was below an acknowledged value. */
  wentBack: number;
  seconds: number;
}

test(`killed ${KILLS} times during j:true writes, the server keeps every acknowledged row`, {
  skip,
  timeout: 600_000,
}, async (t) => {
  await withBackends(['mongo'], async ({ mongo }) => {
    const tally = await killRepeatedly(mongo, KILLS, () => false);
    t.diagnostic(`${mongo.description}: ${JSON.stringify(tally)}`);
    assert.equal(tally.kills, KILLS);
    assert.ok(tally.acknowledged >= KILLS * BATCH, 'the writers wrote in every round');
    assert.equal(tally.lost, 0);
    assert.equal(tally.wentBack, 0);
  });
});

test('the same check finds losses in a server that does not sync at commit', {
  skip,
  timeout: 120_000,
}, async (t) => {
  const unsafe = { mongo: { syncOnCommit: false } };
  await withBackends(
    ['mongo'],
    async ({ mongo }) => {
      // The Python build writes its log at once even without syncing, so killing the process loses nothing.
      if (!mongo.description.startsWith('secantusd-rs')) return t.skip(`not with ${mongo.description}`);
      const tally = await killRepeatedly(mongo, KILLS, ({ lost, wentBack }) => lost > 0 || wentBack > 0);
      t.diagnostic(`${mongo.description} without --sync-on-commit: ${JSON.stringify(tally)}`);
      assert.ok(tally.lost > 0 || tally.wentBack > 0);
    },
    unsafe,
  );
});

/**
 * A round: four writers insert and one counts, the server is killed with SIGKILL at a random moment after the first
 * acknowledgement and started again on its files, and every row of every round so far is counted. Ends after `kills` rounds or when `enough`.
 */
async function killRepeatedly(
  mongo: Backend,
  kills: number,
  enough: (tally: Tally) => boolean,
): Promise<Tally> {
  const tally: Tally = { kills: 0, acknowledged: 0, lost: 0, unanswered: 0, wentBack: 0, seconds: 0 };
  const started = performance.now();
  let counter = 0;
  let kept = 0;
  while (tally.kills < kills && !enough(tally)) {
    const round = tally.kills++;
    const told = await writeUntilKilled(mongo.uri, round, counter, () => mongo.kill('SIGKILL'));
    await mongo.restart();
    await withRows(mongo.uri, async (rows) => {
      const inRound = rows.find({ round }, { projection: { _id: 1 } }).map((row) => row._id);
      const found = new Set(await inRound.toArray());
      const lost = told.rows.filter((id) => !found.has(id)).length;
      tally.acknowledged += told.rows.length;
      tally.lost += lost;
      tally.unanswered += found.size - (told.rows.length - lost);
      counter = (await rows.findOne({ _id: COUNTER }))?.n ?? 0;
      if (counter < told.counter) tally.wentBack++;
      kept += found.size;
      const total = await rows.countDocuments({ _id: { $ne: COUNTER } });
      tally.lost += Math.max(0, kept - total);
      kept = total;
    });
    tally.seconds = Math.round((performance.now() - started) / 1000);
  }
  return tally;
}

/** Writes from several connections, kills at a random moment, returns what had been acknowledged until then. */
async function writeUntilKilled(
  uri: string,
  round: number,
  counter: number,
  kill: () => Promise<void>,
): Promise<Acknowledged> {
  const told: Acknowledged = { rows: [], counter };
  await withRows(uri, async (rows) => {
    let over = false;
    const { promise: acknowledged, resolve: firstAck } = Promise.withResolvers<void>();
    const insert = async (writer: number): Promise<void> => {
      for (let batch = 0; !over; batch++) {
        const ids = Array.from({ length: BATCH }, (_, i) => `${round}/${writer}/${batch * BATCH + i}`);
        await rows.insertMany(
          ids.map((_id) => ({ _id, round })),
          { ordered: false, ...DURABLE },
        );
        told.rows.push(...ids);
        firstAck();
      }
    };
    const count = async (): Promise<void> => {
      while (!over) {
        const row = await rows.findOneAndUpdate(
          { _id: COUNTER },
          { $inc: { n: 1 }, $setOnInsert: { round: -1 } },
          { upsert: true, returnDocument: 'after', ...DURABLE },
        );
        told.counter = row?.n ?? told.counter;
      }
    };
    const writers = [...Array.from({ length: WRITERS }, (_, writer) => insert(writer)), count()];
    // Every writer ends with a connection error, which is the point.
    const ends = Promise.allSettled(writers);
    await Promise.race([acknowledged, sleep(FIRST_ACK_MS, undefined, { ref: false })]);
    await sleep(Math.random() * WRITE_MS);
    await kill();
    over = true;
    await ends;
  });
  return told;
}

async function withRows(uri: string, use: (rows: Collection<Row>) => Promise<void>): Promise<void> {
  const client = new MongoClient(uri, { retryWrites: false, serverSelectionTimeoutMS: 2_000 });
  try {
    await use(client.db('durability').collection<Row>('rows'));
  } finally {
    await client.close(true);
  }
}
