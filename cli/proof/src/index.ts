export { type BenchHost, runBench } from './bench/bench.ts';
export { ATTACKS } from './bench/bystander/attacks.ts';
export {
  type BystanderResult,
  besideAttacks,
  bystanderTable,
  orderOf,
} from './bench/bystander/bystander.ts';
export { ATTACK_TENANTS } from './bench/bystander/tenant-attacks.ts';
export { BENCH_USAGE } from './bench/options.ts';
export type { OwnServer, OwnServerOptions, StartServer } from './bench/own-server.ts';
export { totalUsage, usageOf } from './bench/process-usage.ts';
export * from './checker/index.ts';
export { createGroup, type VerifyOptions, verify } from './verify/verify.ts';
export {
  type DeviceSpec,
  type LoadTarget,
  openWireLoadClients,
  type WireLoadClients,
} from './verify/wire-load-clients.ts';
export * from './verify/wire-user.ts';
