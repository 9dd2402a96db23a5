import { lookup, Resolver } from 'node:dns/promises';
import { Slots } from '@im/kit';

/** An address of a receiver. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Finds the addresses of a name. @throws when there are none. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

/** Threads of the process that lookups by the system may hold: file access and compression need them too. */
const SYSTEM_LOOKUPS = 2;
const DNS_TIMEOUT_MS = 2_000;

/** The name server was asked and knows no such name, or none with an address. */
function isUnknown(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

/**
 * Asks the name servers without a thread, so that one that does not answer holds up no other name; then, for names
 * that they do not know as written, the system, which has search domains and a hosts file.
 */
export function createResolver(): Resolve {
  const servers = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 });
  const running = new Map<string, Promise<readonly ResolvedAddress[]>>();
  const lookups = new Slots(SYSTEM_LOOKUPS);

  async function bySystem(host: string): Promise<ResolvedAddress[]> {
    const found = await lookups.use(() => lookup(host, { all: true }));
    return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
  }

  async function byServers(host: string): Promise<ResolvedAddress[]> {
    const [four, six] = await Promise.allSettled([servers.resolve4(host), servers.resolve6(host)]);
    const found: ResolvedAddress[] = [
      ...(four.status === 'fulfilled' ? four.value : []).map((address) => ({ address, family: 4 as const })),
      ...(six.status === 'fulfilled' ? six.value : []).map((address) => ({ address, family: 6 as const })),
    ];
    if (found.length > 0) return found;
    for (const outcome of [four, six]) {
      if (outcome.status === 'rejected' && !isUnknown(outcome.reason)) throw outcome.reason;
    }
    return [];
  }

  async function resolve(host: string): Promise<readonly ResolvedAddress[]> {
    // A name without a dot is one of the system's: of its hosts file, or to be completed by a search domain.
    const found = host.includes('.') ? await byServers(host) : [];
    return found.length > 0 ? found : bySystem(host);
  }

  return (host) => {
    const known = running.get(host);
    if (known !== undefined) return known;
    const answer = resolve(host).finally(() => running.delete(host));
    running.set(host, answer);
    return answer;
  };
}
