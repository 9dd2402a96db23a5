import type { Edit, OtherBuild } from '@im/dev-cluster';

/** The build of an earlier commit, under the lower version that it would have had as a release. */
export type OlderBuild = OtherBuild & { readonly commit: string; readonly version: string };

/** The last build before there was a prober. */
export const BEFORE_PROBER: OlderBuild = {
  commit: '92c60c47552cce4d032755a32ae36ef1a66ef3f6',
  version: '0.0.9',
};

/** A build with a prober, to be upgraded from. */
export const PREVIOUS: OlderBuild = { commit: '31ae017377d3caf7a40831672bf039177453366e', version: '0.0.10' };

const TRANSFER = 'services/transfer/src/index.ts';
const TRANSFER_CREATED = "    const own = log.child({ part: 'transfer' });\n";
const edited = (...edits: readonly Edit[]): OtherBuild => ({ edits });

/** Transfer throws at its start. */
export const CRASHES = edited({
  file: TRANSFER,
  from: TRANSFER_CREATED,
  to: `    throw new Error('bad version: this build does not start');\n${TRANSFER_CREATED}`,
});

/** Transfer is not ready for ten minutes. */
export const SLOW = edited({
  file: TRANSFER,
  from: TRANSFER_CREATED,
  to: `    await sleep(600_000);\n${TRANSFER_CREATED}`,
});

/** Gateways are ready, and drop one push in a thousand. */
export const DROPS = edited(
  {
    file: 'services/gateway/src/deliver/deliverer.ts',
    from: 'export class Deliverer {\n',
    to: 'let forwarded = 0;\nexport class Deliverer {\n',
  },
  {
    file: 'services/gateway/src/deliver/deliverer.ts',
    from: '  forward(connection: Connection, delivery: log.Delivery, bytes: Buffer): void {\n',
    to: '  forward(connection: Connection, delivery: log.Delivery, bytes: Buffer): void {\n    if (++forwarded % 1_000 === 0) return;\n',
  },
);

/** Every process looks for the database where there is none. */
export const WRONG_DATABASE = edited({
  file: 'services/lib/store/src/mongo.ts',
  from: '  const client = new MongoClient(uri, {\n    ...clientOptions(maxPoolSize, tls),\n',
  to: "  const client = new MongoClient('mongodb://127.0.0.1:1/', {\n    ...clientOptions(maxPoolSize, tls),\n",
});

/** Wants an index that stored profiles contradict, as a version would whose author did not know them. */
export const MIGRATION_FAILS = edited({
  file: 'services/lib/store/src/repos/user.ts',
  from: '  { keys: { level: 1, createTime: 1 } },\n',
  to: '  { keys: { level: 1, createTime: 1 } },\n  { keys: { level: 1 }, unique: true },\n',
});

/** A name whose registry refuses connections. */
export const ABSENT = 'localhost:1/openim/openim-operator:9.9.9-absent';
