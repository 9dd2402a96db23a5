import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Backend, externalBackend, type StartOptions } from './backend.ts';
import { installServer } from './install.ts';
import { type S3Account, s3Request } from './s3-request.ts';
import { type ServerKind, startServer } from './server-process.ts';

export interface S3Options extends StartOptions {
  /** Credentials of the one account that the server gets. Default `openim` / `openim-local-secret`; required with `uri`. */
  accessKey?: string;
  secretKey?: string;
  /** Default `us-east-1`. */
  region?: string;
}

/** An S3 server and the account that may use it. */
export interface S3Backend extends Backend, S3Account {}

const REGION = 'us-east-1';
const PROBE_BUCKET = 'readiness-probe';
/** Ports of `weed mini` in the order of reservation; `s3.port` first because clients use it. */
const PORT_FLAGS = [
  's3.port',
  's3.port.grpc',
  'master.port',
  'master.port.grpc',
  'volume.port',
  'volume.port.grpc',
  'filer.port',
  'filer.port.grpc',
  'admin.port',
  'admin.port.grpc',
];

/**
 * Starts an S3 server (SeaweedFS, all parts in one process, everything on 127.0.0.1) in `options.dir`, or takes the one
 * at `options.uri` or `$S3_ENDPOINT` with `$S3_ACCESS_KEY`, `$S3_SECRET_KEY` and `$S3_REGION`.
 */
export async function startS3(options: S3Options): Promise<S3Backend> {
  const external = externalAccount(options, process.env);
  if (external !== undefined) {
    const { account, source } = external;
    return Object.assign(externalBackend('s3', account.endpoint, source), account);
  }
  const credentials = {
    accessKey: options.accessKey ?? 'openim',
    secretKey: options.secretKey ?? 'openim-local-secret',
    region: options.region ?? REGION,
  };
  const account = (port: number): S3Account => ({ endpoint: `http://127.0.0.1:${port}`, ...credentials });
  const kind: ServerKind = {
    name: 's3',
    server: await installServer('s3'),
    portCount: PORT_FLAGS.length,
    stopWithin: 15_000,
    uri: (port) => account(port).endpoint,
    prepare: async (dir, ports) => {
      await mkdir(join(dir, 'data'), { recursive: true });
      return {
        args: weedArguments(join(dir, 'data'), ports),
        env: { AWS_ACCESS_KEY_ID: credentials.accessKey, AWS_SECRET_ACCESS_KEY: credentials.secretKey },
      };
    },
    probe: ([port = 0], signal) => probeS3(account(port), signal),
  };
  const server = await startServer(kind, options);
  return Object.assign(server, account(server.port));
}

function weedArguments(dir: string, ports: readonly number[]): string[] {
  return [
    '-logtostderr',
    'mini',
    `-dir=${dir}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    '-master.telemetry=false',
    '-admin.ui=false',
    '-webdav=false',
    '-volume.preStopSeconds=0',
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    ...PORT_FLAGS.map((flag, index) => `-${flag}=${ports[index]}`),
  ];
}

/** A written and deleted object: the components are connected and a volume accepts writes. */
async function probeS3(account: S3Account, signal: AbortSignal): Promise<void> {
  const expect = async (
    method: 'PUT' | 'DELETE',
    path: string,
    ok: readonly number[],
    body?: string,
  ): Promise<void> => {
    const answer = await s3Request(account, method, path, { body, signal });
    if (!ok.includes(answer.status))
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body.slice(0, 300)}`);
  };
  // 409: an earlier probe that timed out made the bucket.
  await expect('PUT', `/${PROBE_BUCKET}`, [200, 409]);
  await expect('PUT', `/${PROBE_BUCKET}/object`, [200], 'x');
  await expect('DELETE', `/${PROBE_BUCKET}/object`, [204]);
  await expect('DELETE', `/${PROBE_BUCKET}`, [204]);
}

function externalAccount(
  options: S3Options,
  env: NodeJS.ProcessEnv,
): { account: S3Account; source: string } | undefined {
  const given = options.uri !== undefined;
  const endpoint = options.uri ?? env.S3_ENDPOINT;
  if (endpoint === undefined || endpoint === '') return undefined;
  const source = given ? 'given by the caller' : 'S3_ENDPOINT';
  const accessKey = options.accessKey ?? env.S3_ACCESS_KEY;
  const secretKey = options.secretKey ?? env.S3_SECRET_KEY;
  if (!accessKey || !secretKey) {
    throw new Error(
      `the S3 endpoint (${source}) needs credentials: accessKey and secretKey, or S3_ACCESS_KEY and S3_SECRET_KEY`,
    );
  }
  const region = options.region ?? (env.S3_REGION || REGION);
  return { account: { endpoint, accessKey, secretKey, region }, source };
}
