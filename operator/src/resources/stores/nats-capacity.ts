import type { ManagedNats } from '../effective.ts';
import { quantity } from '../quantity.ts';

const MIB = 2 ** 20;
/** Memory that is counted with when the container has no limit. */
const UNLIMITED_MEMORY = 1_024 * MIB;
/** The least that the services' config takes. */
const LEAST_BYTES = MIB;

/** How much a managed NATS server may hold, and how much of it the streams may reserve, in bytes. */
export interface NatsCapacity {
  readonly maxFileStore: number;
  readonly maxMemoryStore: number;
  /** For `nats.logMaxBytes` of the services' config. */
  readonly logMaxBytes: number;
  /** For `nats.seqMaxBytes` of the services' config. */
  readonly seqMaxBytes: number;
}

/**
 * What the volume and the memory limit are good for. A stream reserves its size limit when it is made, and the server
 * refuses one that it has no room for, so the services must ask for what is there. A tenth of the volume is kept free
 * for what the server writes beside messages; of the memory, two fifths are left to the process itself.
 */
export function natsCapacity(nats: ManagedNats): NatsCapacity {
  const memory = quantity(nats.resources.limits?.memory) ?? UNLIMITED_MEMORY;
  const maxFileStore = Math.floor((quantity(nats.storage.size) ?? 0) * 0.9);
  const inMemory = nats.logStorage === 'memory';
  return {
    maxFileStore,
    maxMemoryStore: Math.floor(memory * 0.6),
    logMaxBytes: atLeast(inMemory ? memory * 0.35 : maxFileStore * 0.8),
    seqMaxBytes: atLeast(memory * (inMemory ? 0.15 : 0.4)),
  };
}

function atLeast(bytes: number): number {
  return Math.max(LEAST_BYTES, Math.floor(bytes));
}
