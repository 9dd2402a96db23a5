import { createMetrics, silentLogger } from '@im/process';
import {
  CONFIG_MAP,
  type ConfigMap,
  childId,
  createApplier,
  createController,
  createElection,
  createEventRecorder,
  createInformer,
  createKubeClient,
  guardWrites,
  keyOf,
  prune,
  type Stored,
  TerminalError,
} from '../src/index.ts';

const CHILD = { role: 'child' };
const TIMES = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryMs: 300 };

/** One replica of an operator whose parents are config maps that say how many children they want. */
export interface ToyOperator {
  readonly identity: string;
  isLeader(): boolean;
  /** Keys that a reconcile began for, in order. */
  readonly reconciled: readonly string[];
  stop(): Promise<void>;
}

/** A parent for it: `count` of its children, each with `text`. A `count` that is no number is a terminal error. */
export function parent(name: string, count: string, text: string): ConfigMap {
  return { metadata: { namespace: 'default', name, labels: { role: 'parent' } }, data: { count, text } };
}

/** Everything that the library has, put together as an operator does it. */
export async function startToyOperator(kubeconfigPath: string, identity: string): Promise<ToyOperator> {
  const client = await createKubeClient({ kubeconfigPath });
  const metrics = createMetrics();
  const log = silentLogger();
  const stop = new AbortController();
  const common = { client, log, metrics };
  const parents = createInformer({ ...common, type: CONFIG_MAP, labelSelector: 'role=parent' });
  const children = createInformer({ ...common, type: CONFIG_MAP, labelSelector: 'role=child' });
  const events = createEventRecorder({ ...common, component: 'toy', instance: identity });
  const election = createElection({ ...common, namespace: 'default', name: 'toy', identity, ...TIMES });
  const writer = guardWrites(client, election.isLeader);
  const applier = createApplier({ client: writer, fieldManager: 'toy', metrics });
  const reconciled: string[] = [];

  async function reconcile(key: string, signal: AbortSignal) {
    reconciled.push(key);
    const owner = parents.get(key);
    if (!owner) return undefined;
    const count = Number(owner.data?.count);
    if (!Number.isInteger(count)) {
      events.event(owner, { type: 'Warning', reason: 'Wrong', message: 'count is no number' });
      throw new TerminalError(`count of ${key} is no number`);
    }
    const wanted = new Set<string>();
    for (let i = 0; i < count; i++) {
      const child = childOf(owner, i);
      wanted.add(childId(CONFIG_MAP, child));
      await applier.apply(CONFIG_MAP, child, children.get(keyOf(child)), { signal });
    }
    await prune({
      client: writer,
      ownerUid: owner.metadata.uid,
      namespace: 'default',
      labels: CHILD,
      wanted,
      among: [children],
      signal,
    });
    return undefined;
  }

  const controller = createController({ name: 'toy', reconcile, log, metrics, deadlineMs: 5_000 });
  controller.watches(parents);
  controller.watches(children, ({ metadata }) =>
    (metadata.ownerReferences ?? []).map(({ name }) => `default/${name}`),
  );
  const running = Promise.all([
    parents.run(stop.signal),
    children.run(stop.signal),
    events.run(stop.signal),
    election.run(stop.signal, (signal) => controller.run(signal)),
  ]);
  return {
    identity,
    isLeader: election.isLeader,
    reconciled,
    async stop() {
      stop.abort();
      await running;
      client.close();
    },
  };
}

function childOf(owner: Stored<ConfigMap>, i: number): ConfigMap {
  const { name, uid } = owner.metadata;
  return {
    metadata: {
      namespace: 'default',
      name: `${name}-${i}`,
      labels: CHILD,
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid, controller: true }],
    },
    data: { text: owner.data?.text ?? '' },
  };
}
