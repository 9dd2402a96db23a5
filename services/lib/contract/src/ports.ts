/** Default ports of the processes, by role or domain. */
export const DEFAULT_PORTS = {
  gateway: 10_001,
  api: 10_002,
  ops: 10_300,
  user: 10_110,
  conversation: 10_120,
  msg: 10_130,
  relation: 10_140,
  group: 10_150,
  auth: 10_160,
  third: 10_170,
} as const;

/** A domain that answers RPCs. */
export type RpcDomain = Exclude<keyof typeof DEFAULT_PORTS, 'gateway' | 'api' | 'ops'>;
