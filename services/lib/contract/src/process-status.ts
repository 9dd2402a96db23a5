/** What a process asks of its callers: nothing, a proof that may be missing, or one that must not. */
export type CallerProof = 'none' | 'optional' | 'required';

/** Status of a gateway. */
export interface GatewayStatus {
  /** Connections now, those that are being closed included. */
  readonly connections: number;
  /** Users with at least one connection. */
  readonly users: number;
  /** Handshakes that arrived, refused ones included, as an average of the last 10 s. */
  readonly handshakesPerSecond: number;
  /** It refuses handshakes and closes its connections. */
  readonly draining: boolean;
  /** Connections that are still to go; 0 when it is not draining. */
  readonly drainRemaining: number;
  /** Time until the last one is gone at the present pace; 0 when none is left or it is not draining. */
  readonly drainEtaSeconds: number;
  // Earlier versions report none of the following.
  /** Handshakes per second refused for want of room or rate of this gateway; quotas and drains do not count. Average of the last 10 s. */
  readonly refusedPerSecond?: number;
  /**
   * Time that the server takes until a new connection is usable: its handshake, and its first request for the
   * newest seqs. 99th percentile of the last 10 s in ms, at most a fifth too high; undefined without samples.
   */
  readonly loginP99Ms?: number;
  /** Most connections that it takes. */
  readonly maxConnections?: number;
  /** When the last connection is to be closed, ms since the epoch; undefined when it is not draining. */
  readonly drainUntil?: number;
  /** Connections closed per second at present; undefined when it is not draining. */
  readonly drainPerSecond?: number;
  /** Connections still to be closed by `POST /shed`. */
  readonly shedRemaining?: number;
  /** Connections that it has closed since its start so that their clients go to another gateway. */
  readonly movedConnections?: number;
}

/** What a tenant has on a gateway, and did there since the gateway started; an entry of `GET /tenants` of its ops port. */
export interface TenantOnGateway {
  readonly tenant: string;
  /** Users with at least one connection. */
  readonly users: number;
  readonly connections: number;
  /** Messages that clients sent, refused ones excluded. */
  readonly sends: number;
  /** Messages and handshakes that a quota of the tenant refused. */
  readonly refusals: number;
  /** Messages written to connections. */
  readonly pushes: number;
}

/** Status of transfer. */
export interface TransferStatus {
  /** Partitions of the log that this process folds. */
  readonly partitions: number;
  /** Records of these partitions that are not folded yet, as of what was read last. */
  readonly lagRecords: number;
  /** Tenants whose records wait, since they cannot be folded. */
  readonly parkedTenants: number;
  /** Conversations whose records wait, since the database contradicts the log. */
  readonly parkedConversations: number;
  /** Records that wait. */
  readonly parkedRecords: number;
}

/** One fault of an entry of `tenants` in the config file. */
export interface InvalidTenantStatus {
  /** Undefined when the entry names no tenant that could exist. */
  readonly id?: string;
  /** Place of the entry in the list, from 0; undefined when the fault is a clash with what is in force. */
  readonly index?: number;
  readonly field: string;
  readonly reason: string;
  /** Whether the tenant is served nevertheless, with its last valid settings or by its first entry. */
  readonly served: boolean;
}

/** Tenants of the config file that are refused, all others being served. */
export interface InvalidTenantsStatus {
  /** Entries at fault. */
  readonly count: number;
  /** Their faults, the first ones alone when there are many. */
  readonly faults: readonly InvalidTenantStatus[];
}

/** The tenants that a process has. */
export interface TenantsStatus {
  /** Version of their list; 0 for a config file without one. */
  readonly revision: number;
  /** Identifies the list by its contents; see `tenantsDigest`. */
  readonly digest: string;
  /** Entries, those at fault included. */
  readonly count: number;
}

/** A time in which the prober's users received nothing, although messages were due. */
export interface ProberGap {
  /** Its end, ms since the epoch. */
  readonly at: number;
  readonly ms: number;
}

/** Something that the prober found to be wrong. */
export interface ProberFinding {
  /** When it was found, ms since the epoch. */
  readonly at: number;
  /** One word: `lost`, `doubled`, `reordered`, `phantom`, `readBack` or `late`. */
  readonly fault: string;
  /** For people. */
  readonly text: string;
}

/** Messages of the prober, counted since `since`; only those of judged rounds. */
export interface ProberCounts {
  readonly sent: number;
  readonly acknowledged: number;
  /** Arrivals at the devices that must get a message. */
  readonly received: number;
  /** Acknowledged, but missing at a device or in the stored conversation. */
  readonly lost: number;
  /** Twice at a device, or stored twice. */
  readonly duplicated: number;
  /** Against the order of a conversation. */
  readonly reordered: number;
  /** Refused for good. */
  readonly refused: number;
  /** Anything else that must not be, such as a message that was never sent. */
  readonly other: number;
}

/** The counts before the first round. */
export const NO_PROBER_COUNTS: ProberCounts = {
  sent: 0,
  acknowledged: 0,
  received: 0,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  refused: 0,
  other: 0,
};

/** Counts of all judged rounds. */
export interface ProberTotals extends ProberCounts {
  /** Start of the counts, which begins again when the checkpoint is lost, ms since the epoch. */
  readonly since: number;
  /** Messages sent until this time are judged, ms since the epoch; 0 before the first round. */
  readonly judgedUntil: number;
}

/** Status of the prober; its counts survive a restart. */
export interface ProberStatus extends ProberTotals {
  /** Why the present round takes longer than usual; undefined when it does not. */
  readonly waiting?: string;
  /** Times without an arrival of more than a second, the newest of them, oldest first. */
  readonly gaps: readonly ProberGap[];
  /** From sending to acknowledgement in the last judged round, 99th percentile in ms. */
  readonly acknowledgeP99Ms: number;
  /** The newest findings, oldest first. */
  readonly findings: readonly ProberFinding[];
}

/** What services add to the status of their process. */
export interface StatusParts {
  readonly gateway: GatewayStatus;
  readonly transfer: TransferStatus;
  readonly invalidTenants: InvalidTenantsStatus;
  readonly prober: ProberStatus;
  /** Versions that take no tenants over from the operator report none. */
  readonly tenants: TenantsStatus;
}

/** Answer of `GET /status` on the ops port. */
export interface ProcessStatus extends Partial<StatusParts> {
  readonly version: string;
  /** Name of the process among its peers, new at every start. */
  readonly instance: string;
  readonly roles: readonly string[];
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reason?: string;
  /** What it does without for now although it is ready, with the reason. */
  readonly unavailable?: string;
  /** Time of the start, ms since the epoch. */
  readonly startedAt: number;
  /** Its clock at the time of the answer, ms since the epoch; earlier versions report none. */
  readonly time?: number;
  /** Which config is in force; see `configHash`. */
  readonly configHash: string;
  /** Which settings it knows; see {@link SETTINGS_LEVEL}. Versions from before it report none. */
  readonly settingsLevel?: number;
  /** What it asks of its callers; versions that take no key over while they run say nothing. */
  readonly rpcKey?: CallerProof;
  /** How late the event loop was of late: 99th percentile in ms. */
  readonly eventLoopDelayMs: number;
  readonly rssBytes: number;
}
