import { parseConfig } from '@im/contract';
import { silentLogger } from '@im/process';
import { createRedisClient } from '@im/store';
import { connect } from '@nats-io/transport-node';
import { Client } from 'minio';
import { MongoClient } from 'mongodb';

/** Addresses of the four stores. */
export interface TracedStores {
  readonly mongo: { readonly uri: string };
  readonly redis: { readonly uri: string };
  readonly nats: { readonly uri: string };
  readonly s3: {
    readonly endpoint: string;
    readonly accessKey: string;
    readonly secretKey: string;
    readonly region: string;
  };
}

/** Everything in any store that has a text in its name or contents, as the stores themselves list it; sorted, each place once. */
export async function storeTraces({ mongo, redis, nats, s3 }: TracedStores, text: string): Promise<string[]> {
  const found = new Set<string>();
  const see = (where: string, content: string) => {
    if (content.includes(text)) found.add(where);
  };
  const database = await MongoClient.connect(mongo.uri);
  try {
    for (const { name } of (await database.db().admin().listDatabases()).databases) {
      see(`database ${name}`, name);
      for (const { name: collection } of await database.db(name).listCollections().toArray()) {
        for await (const document of database.db(name).collection(collection).find())
          see(`document in ${name}.${collection}`, JSON.stringify(document));
      }
    }
  } finally {
    await database.close();
  }
  const keys = createRedisClient({ ...parseConfig({ tenants: [] }).redis, uri: redis.uri }, silentLogger());
  try {
    await keys.connect();
    for (const key of await keys.keys('*')) see('key', key);
  } finally {
    keys.disconnect();
  }
  const streams = await connect({ servers: nats.uri });
  try {
    const call = async (subject: string, body = '') =>
      JSON.parse((await streams.request(`$JS.API.${subject}`, body)).string());
    for (const stream of (await call('STREAM.NAMES')).streams ?? []) {
      const { state } = await call(`STREAM.INFO.${stream}`, '{"subjects_filter":">"}');
      for (const subject of Object.keys(state.subjects ?? {})) see(`record in ${stream}`, subject);
    }
  } finally {
    await streams.close();
  }
  const { hostname, port } = new URL(s3.endpoint);
  const objects = new Client({ endPoint: hostname, port: Number(port), useSSL: false, ...s3 });
  for (const { name } of await objects.listBuckets()) see('bucket', name);
  return [...found].sort();
}
