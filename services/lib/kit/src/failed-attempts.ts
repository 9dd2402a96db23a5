import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { TenantId } from '@im/contract';
import type { Metrics } from './metrics.ts';
import { TokenBucket } from './token-bucket.ts';

/** How many attempts of an address may fail. */
export interface AttemptLimit {
  /** Failures per second; 0 means no limit. */
  readonly ratePerSecond: number;
  /** Failures at once. */
  readonly burst: number;
}

/** Addresses remembered; of more, the one that failed longest ago starts again. */
const MAX_ADDRESSES = 20_000;

/** Limits the attempts of each address at each tenant. Only failures count: who succeeds is never refused for it. */
export class FailedAttempts {
  readonly #limit: () => AttemptLimit;
  readonly #refused: () => void;
  readonly #buckets = new Map<string, TokenBucket>();

  /** @param kind label of the metrics, such as `token`. */
  constructor(kind: string, limit: () => AttemptLimit, metrics: Metrics) {
    this.#limit = limit;
    const refused = metrics.counter(
      'openim_attempts_refused_total',
      'Attempts refused because too many of their address failed',
      ['kind'],
    );
    this.#refused = () => refused.inc({ kind });
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Whether an address may try; a refusal is counted. */
  allows(tenant: TenantId, address: string): boolean {
    const bucket = this.#buckets.get(`${tenant} ${address}`);
    if (bucket === undefined) return true;
    bucket.configure(this.#limit());
    if (bucket.waitMs() === 0) return true;
    this.#refused();
    return false;
  }

  /** An attempt failed. */
  failed(tenant: TenantId, address: string): void {
    const key = `${tenant} ${address}`;
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#limit());
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > MAX_ADDRESSES) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    bucket.take();
  }
}

/**
 * The address that a request comes from. X-Forwarded-For is believed only on connections from private addresses, as an
 * Ingress has: a peer with any other address is taken for the client.
 * @param trustedProxies proxies in front that append to X-Forwarded-For; what stands before their entries is what a
 * client claims, and is not believed. With 0 it is always the address of the connection.
 */
export function clientAddress(
  { socket, headers }: Pick<IncomingMessage, 'headers' | 'socket'>,
  trustedProxies: number,
): string {
  const own = socket.remoteAddress ?? '';
  if (trustedProxies === 0 || !isPrivate(own)) return own;
  const given = headers['x-forwarded-for'];
  const hops = (Array.isArray(given) ? given.join(',') : (given ?? ''))
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
  return hops.at(-trustedProxies) ?? hops[0] ?? own;
}

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const) {
  PRIVATE.addSubnet(net, bits, 'ipv4');
}
PRIVATE.addAddress('::1', 'ipv6');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');

/** An address as it is shown: of IPv4 in IPv6 the IPv4 address. The text keeps no other alive that it is a part of. */
export function plainAddress(address: string): string {
  return Buffer.from(address.replace(/^::ffff:(?=\d+\.)/i, '')).toString();
}

/** Answers of {@link isPrivate}: most requests come from a few proxies. */
const KNOWN = new Map<string, boolean>();
const MAX_KNOWN = 1_000;

function isPrivate(address: string): boolean {
  const known = KNOWN.get(address);
  if (known !== undefined) return known;
  if (KNOWN.size >= MAX_KNOWN) KNOWN.clear();
  const found = isInPrivate(address);
  KNOWN.set(address, found);
  return found;
}

function isInPrivate(address: string): boolean {
  const plain = plainAddress(address);
  if (isIPv4(plain)) return PRIVATE.check(plain, 'ipv4');
  return isIPv6(plain) && PRIVATE.check(plain, 'ipv6');
}
