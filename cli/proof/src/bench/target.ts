import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Admin, admin, type Endpoint } from '@im/client';
import { ATTACK_TENANTS } from './bystander/tenant-attacks.ts';
import { ANY_INSPECTOR, heapProbe } from './live-heap.ts';
import type { BenchOptions } from './options.ts';
import type { OwnServer, StartServer } from './own-server.ts';
import { type ProcessUsage, pidsOf, processUsage, totalUsage, usageOf } from './process-usage.ts';

/** The server under measurement. */
export interface BenchTarget extends AsyncDisposable {
  readonly description: string;
  /** Endpoints to spread connections over. */
  readonly endpoints: readonly Endpoint[];
  readonly admin: Admin;
  /** CPU and memory of the server's processes, of its stores, and of this client. */
  usage(): { ours: ProcessUsage; stores: ProcessUsage; client: ProcessUsage };
  /** The server with its stores, where the bench started it. */
  readonly own: OwnServer | undefined;
  /** Memory of the gateways alone, or of all processes where they cannot be distinguished. */
  gatewayRss(): number;
  /** Live heap of the gateway after a garbage collection, bytes; undefined unless all of an own server is one process. */
  gatewayHeap(): Promise<number | undefined>;
}

/** Starts an own server, or takes the one that the options name. */
export async function openTarget(options: BenchOptions, startServer: StartServer): Promise<BenchTarget> {
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
      gatewayHeap: async () => undefined,
      [Symbol.asyncDispose]: async () => control.close(),
    };
  }
  if (options.profileDir) mkdirSync(options.profileDir, { recursive: true });
  const besideAttacks = options.scenarios.includes('bystander');
  // Only of one process: each would need a separate port.
  const probe =
    options.topology === 'one' && options.scenarios.includes('idle') ? await heapProbe() : undefined;
  const server = await startServer({
    ...(besideAttacks ? { tenants: ATTACK_TENANTS, mongoProxy: true } : {}),
    topology: options.topology,
    transfers: options.transfers ?? (options.scenarios.includes('soak') ? 1 : undefined),
    nodeFlags: [
      ...(options.profileDir ? ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profileDir)}`] : []),
      ...(probe ? [probe.flag] : []),
      ...(options.scenarios.includes('tenants') && !probe ? [ANY_INSPECTOR] : []),
    ],
    config: {
      log: { level: 'warn' },
      // Attacks meet the limits that the product has.
      ...(besideAttacks
        ? {}
        : { gateway: { handshakes: { ratePerSecond: 0, perLogin: { ratePerSecond: 0 } } } }),
      rpc: { encodeInProcess: false },
      webhooks: { allowedNetworks: ['127.0.0.1'] },
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
    description: `own server, ${server.processes.length === 1 ? 'one process' : `${server.processes.length} processes`}`,
    endpoints: server.gateways.map((_, i) => server.endpoint('default', i)),
    admin: server.admin('default'),
    own: server,
    usage: () => ({ ...usageOf(server), client: client() }),
    gatewayRss: () => totalUsage(pidsOf(server.gateways)).rssBytes,
    gatewayHeap: async () => probe?.liveBytes(),
    async [Symbol.asyncDispose]() {
      // Profiles are written at an orderly end only.
      if (options.profileDir) for (const each of server.processes) await each.stop();
      await server.close();
    },
  };
}
