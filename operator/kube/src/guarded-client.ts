import { NotLeadingError } from './errors.ts';
import type { KubeClient } from './kube-client.ts';

/**
 * `client` whose writes are refused as soon as `mayWrite` says no; reads pass. A leader whose process
 * was frozen wakes up with old work in its hands before any timer has told it that its time is over:
 * `election.isLeader`, which looks at the clock, closes that gap.
 */
export function guardWrites(client: KubeClient, mayWrite: () => boolean): KubeClient {
  async function guarded<R>(write: () => Promise<R>): Promise<R> {
    if (!mayWrite()) throw new NotLeadingError('a write of one that does not lead was refused');
    return await write();
  }
  return {
    ...client,
    create: (type, object, options) => guarded(() => client.create(type, object, options)),
    replace: (type, object, options) => guarded(() => client.replace(type, object, options)),
    apply: (type, object, options) => guarded(() => client.apply(type, object, options)),
    applyStatus: (type, object, options) => guarded(() => client.applyStatus(type, object, options)),
    patch: (type, key, patch, options) => guarded(() => client.patch(type, key, patch, options)),
    patchStatus: (type, key, status, options) =>
      guarded(() => client.patchStatus(type, key, status, options)),
    proxy: (pod, port, path, options) => {
      const send = () => client.proxy(pod, port, path, options);
      return (options?.method ?? 'GET') === 'GET' ? send() : guarded(send);
    },
    delete: (type, key, options) => guarded(() => client.delete(type, key, options)),
  };
}
