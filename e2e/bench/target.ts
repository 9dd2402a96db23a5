import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Cluster, type ProcessUsage, processUsage, startCluster, totalUsage } from '../harness/index.ts';
import { type Admin, admin, type Endpoint } from '../wire/index.ts';
import { ATTACK_TENANTS } from './bystander/tenant-attacks.ts';
import type { BenchOptions } from './options.ts';

/** The server under measurement. */
export interface BenchTarget extends AsyncDisposable {
  readonly description: string;
  /** Endpoints to spread connections over. */
  readonly endpoints: readonly Endpoint[];
  readonly admin: Admin;
  /** CPU and memory of the server's processes, of its stores, and of this client. */
  usage(): { ours: ProcessUsage; stores: ProcessUsage; client: ProcessUsage };
  /** The server with its stores, where the bench started it. */
  readonly own: Cluster | undefined;
  /** Memory of the gateways alone, or of all processes where they are not told apart. */
  gatewayRss(): number;
}

/** Boots our own server, or takes the one that the options name. */
export async function openTarget(options: BenchOptions): Promise<BenchTarget> {
  const client = (): ProcessUsage => processUsage(process.pid) ?? { cpuMs: 0, rssBytes: 0 };
  const { external } = options;
  if (external) {
    const control = admin(external, external);
    return {
      description: `${external.api} ${external.ws}`,
      endpoints: [{ api: external.api, ws: external.ws }],
      admin: control,
      own: undefined,
      usage: () => ({
        ours: totalUsage(external.ourPids),
        stores: totalUsage(external.storePids),
        client: client(),
      }),
      gatewayRss: () => totalUsage(external.ourPids).rssBytes,
      [Symbol.asyncDispose]: async () => control.close(),
    };
  }
  if (options.profileDir) mkdirSync(options.profileDir, { recursive: true });
  const besideAttacks = options.scenarios.includes('bystander');
  const cluster: Cluster = await startCluster({
    ...(besideAttacks ? { tenants: ATTACK_TENANTS, mongoProxy: true } : {}),
    topology: options.topology,
    transfers: options.transfers ?? (options.scenarios.includes('soak') ? 1 : undefined),
    nodeFlags: options.profileDir ? ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profileDir)}`] : [],
    config: {
      log: { level: 'warn' },
      // Attacks meet the limits that the product has.
      ...(besideAttacks
        ? {}
        : { gateway: { handshakes: { ratePerSecond: 0, perLogin: { ratePerSecond: 0 } } } }),
      rpc: { encodeInProcess: false },
      // Throughput is measured with few users; what bystanders notice is measured with the limits in force.
      ...(besideAttacks
        ? {}
        : {
            limits: {
              userMessages: { perSecond: 0 },
              userBytes: { perSecond: 0 },
              userChanges: { perSecond: 0 },
              profileChanges: { perMinute: 0 },
              mentionAll: { perMinute: 0 },
            },
          }),
    },
  });
  return {
    description: `own server, ${cluster.parts.length === 1 ? 'one process' : `${cluster.parts.length} processes`}`,
    endpoints: cluster.gateways.map((_, i) => cluster.endpoint('default', i)),
    admin: cluster.admin('default'),
    own: cluster,
    usage: () => ({ ...cluster.usage(), client: client() }),
    gatewayRss: () => cluster.gateways.reduce((sum, part) => sum + part.usage().rssBytes, 0),
    async [Symbol.asyncDispose]() {
      // Profiles are written at an orderly end only.
      if (options.profileDir) for (const part of cluster.parts) await part.stop();
      await cluster.close();
    },
  };
}
