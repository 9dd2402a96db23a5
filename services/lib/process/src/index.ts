export {
  type ConfigSource,
  hashOfFiles,
  type LoadedConfig,
  loadConfig,
  readConfig,
  readStartConfig,
  redactConfig,
} from './config-load.ts';
export { type ConfigTarget, watchConfigFile } from './config-watch.ts';
export { type DeprecatedVariable, Environment, warnOfDeprecated } from './environment.ts';
export { wantsFormerNames } from './former-metric-names.ts';
export { endAtOnce, type ProcessLife, runProcess } from './life.ts';
export { createLiveConfig, type LiveConfig, type MutableLiveConfig } from './live-config.ts';
export { type CallFields, callFields, createLogger, type Logger, setLogLevel, silentLogger } from './log.ts';
export { createMetrics } from './metrics.ts';
export { createOpsServer, type OpsRequest, type OpsResponse, type OpsRoutes } from './ops-server.ts';
export {
  drainAll,
  type NamedService,
  notReady,
  READY,
  type Readiness,
  readinessThroughOutages,
  type Service,
  startInOrder,
  stopInReverse,
} from './service.ts';
export {
  type BaseDeps,
  type Dependency,
  defineService,
  type LiveDeps,
  type ServiceModule,
} from './service-module.ts';
export { createStatus, type StatusRegistry } from './status.ts';
export { acceptLoss, createTaskRunner, type TaskRunner } from './task-runner.ts';
export { pemCertificates, tlsContext, tlsFault } from './tls-files.ts';
export { productVersion } from './version.ts';
