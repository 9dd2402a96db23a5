export { type Backend, NotManagedError, type StartOptions } from './backend.ts';
export { backendsCacheDir } from './cache-dir.ts';
export {
  CertificateAuthority,
  type KeyPair,
  type LeafRequest,
  type Subject,
} from './certificate-authority.ts';
export { type HeldLock, holdLock, LockHeldError, lockDirectory, tryLock } from './hold-lock.ts';
export {
  type InstalledServer,
  installBackends,
  installServer,
  isServerInstalled,
  type MongoBuild,
} from './install.ts';
export { installedDir, isInstalled } from './install-dir.ts';
export { BACKEND_NAMES, type BackendName } from './lock-file.ts';
export { type MongoOptions, startMongo } from './mongo.ts';
export { type NatsOptions, startNats } from './nats.ts';
export { type NatsCluster, startNatsCluster } from './nats-cluster.ts';
export { type ReservedPorts, reservePorts } from './ports.ts';
export { type Progress, printToStderr, withProgress } from './progress.ts';
export { type RedisOptions, startRedis } from './redis.ts';
export { CommandError, findOnPath, type RunOptions, runCommand } from './run-command.ts';
export { type S3Backend, type S3Options, startS3 } from './s3.ts';
export { type ServerKind, type ServerProcess, startServer } from './server-process.ts';
export {
  type BackendTypes,
  type StartBackendsOptions,
  type StartedBackends,
  startBackends,
  withBackends,
} from './start-backends.ts';
export {
  aptCommand,
  installDebianPackages,
  installSystemPackages,
  missingSystemPackages,
} from './system-packages.ts';
export { startTlsProxy, type TlsIdentity, type TlsProxy } from './tls-proxy.ts';
export { isAtLeast, versionIn } from './versions.ts';
