import type { KubeClient, KubeObject, ResourceType } from '@im/kube';

/** Verbs of a client that send one request each; a watch counts when it is opened. */
const VERBS = [
  'get',
  'list',
  'create',
  'replace',
  'apply',
  'applyStatus',
  'patch',
  'patchStatus',
  'delete',
  'watch',
] as const;

/** Counts requests by verb and kind. */
export class RequestCounter {
  readonly #counts = new Map<string, number>();

  /** `client`, with every request counted. */
  count(client: KubeClient): KubeClient {
    const counted = Object.fromEntries(
      VERBS.map((verb) => [
        verb,
        (type: ResourceType<KubeObject>, ...rest: unknown[]) => {
          const id = `${verb} ${type.kind}`;
          this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
          const method = client[verb] as (...args: unknown[]) => unknown;
          return method.call(client, type, ...rest);
        },
      ]),
    );
    return { ...client, ...counted } as KubeClient;
  }

  reset(): void {
    this.#counts.clear();
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Watches that were opened. */
  get watches(): number {
    return [...this.#counts].reduce((sum, [id, count]) => sum + (id.startsWith('watch ') ? count : 0), 0);
  }

  /** All counts, the most frequent first. */
  toString(): string {
    const sorted = [...this.#counts].sort(([, a], [, b]) => b - a);
    return sorted.map(([id, count]) => `${id} ${count}`).join(', ') || 'none';
  }
}
