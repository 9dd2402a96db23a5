import type { ClusterResource, UpgradeProof } from '@im/admin-api';

type Json = Readonly<Record<string, unknown>>;

/** Most entries of a list, and characters of a text. */
const MOST = { entries: 50, history: 10, gates: 20, text: 2_000, name: 256 };

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown, most = MOST.entries): Json[] {
  return Array.isArray(value) ? value.slice(0, most).map(object) : [];
}

function text(value: unknown, most = MOST.name): string {
  return typeof value === 'string' ? value.slice(0, most) : '';
}

function millis(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? Math.round(value) : undefined;
}

/** An object without its absent and empty values. */
function present<T extends Json>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function proofOf(value: unknown): { proof?: UpgradeProof } {
  if (value === undefined) return {};
  const proof = object(value);
  return {
    proof: present({
      fromTime: millis(proof.from),
      untilTime: millis(proof.until),
      sent: count(proof.sent),
      acknowledged: count(proof.acknowledged),
      received: count(proof.received),
      lost: count(proof.lost),
      duplicated: count(proof.duplicated),
      reordered: count(proof.reordered),
      longestGapMs: count(proof.longestGapMilliseconds),
    }),
  };
}

function upgradeOf(value: unknown): ClusterResource['upgrade'] {
  if (value === undefined) return undefined;
  const upgrade = object(value);
  return {
    phase: text(upgrade.phase),
    ...present({
      version: text(upgrade.version),
      fromVersion: text(upgrade.fromVersion),
      image: text(upgrade.image, MOST.text),
      startTime: millis(upgrade.startedAt),
      finishTime: millis(upgrade.finishedAt),
      failTime: millis(upgrade.failedAt),
      step: text(upgrade.step),
      message: text(upgrade.message, MOST.text),
      failure: text(upgrade.failure),
    }),
    steps: list(upgrade.steps).map(({ name, startedAt, settledAt, passedAt }) => ({
      name: text(name),
      ...present({
        startTime: millis(startedAt),
        settleTime: millis(settledAt),
        passTime: millis(passedAt),
      }),
    })),
    gates: list(upgrade.gates, MOST.gates).map(({ name, state, message }) => ({
      name: text(name),
      state: text(state),
      ...present({ message: text(message, MOST.text) }),
    })),
    ...proofOf(upgrade.proof),
  };
}

/** Phases of upgrades after which nothing is under way. */
const ENDED = ['Succeeded', 'RolledBack', 'Superseded'];

function phaseOf(
  metadata: Json,
  conditions: ClusterResource['conditions'],
  upgrade: ClusterResource['upgrade'],
): ClusterResource['phase'] {
  const statusOf = (wanted: string) => conditions.find(({ type }) => type === wanted)?.status;
  if (metadata.deletionTimestamp !== undefined) return 'Deleting';
  if (statusOf('Paused') === 'True') return 'Paused';
  if (upgrade && upgrade.phase !== '' && !ENDED.includes(upgrade.phase)) return 'Upgrading';
  if (statusOf('Progressing') === 'True') return 'Progressing';
  const ready = statusOf('Ready');
  if (ready === 'True') return 'Ready';
  return ready === 'False' ? 'NotReady' : 'Unknown';
}

/** An OpenIMCluster as pages show it: chosen fields, each bounded. What has another type than it should is left out. */
export function resourceView(cluster: unknown): ClusterResource {
  const { metadata: given, spec, status: observed } = object(cluster);
  const [metadata, status] = [object(given), object(observed)];
  const conditions = list(status.conditions).map(
    ({ type, status: is, reason, message, lastTransitionTime }) => ({
      type: text(type),
      status: text(is),
      reason: text(reason),
      message: text(message, MOST.text),
      ...present({ changeTime: millis(lastTransitionTime) }),
    }),
  );
  const upgrade = upgradeOf(status.upgrade);
  const rollout = present({
    stage: text(object(status.rollout).stage),
    message: text(object(status.rollout).message, MOST.text),
    startTime: millis(object(status.rollout).startedAt),
  });
  return {
    namespace: text(metadata.namespace),
    name: text(metadata.name),
    phase: phaseOf(metadata, conditions, upgrade),
    isCurrent: status.observedGeneration === metadata.generation,
    ...present({
      createTime: millis(metadata.creationTimestamp),
      deleteTime: millis(metadata.deletionTimestamp),
      version: text(status.version),
      wantedVersion: text(object(spec).version) || text(object(status.effective).version),
      observedTime: millis(status.observedAt),
      connections: count(status.connections),
      gatewaysReady: text(status.gatewaysReady),
      gatewaysOmitted: count(status.gatewaysOmitted),
    }),
    ...(rollout.stage !== undefined && { rollout }),
    conditions,
    components: list(status.components).map((component) => ({
      name: text(component.name),
      external: component.external === true,
      ...present({
        ready: count(component.ready),
        desired: count(component.desired),
        updated: count(component.updated),
        version: text(component.version),
        reason: text(component.reason, MOST.text),
      }),
    })),
    volumes: list(status.volumes).map(({ claim, store, requested, capacity, state }) => ({
      claim: text(claim),
      store: text(store),
      requested: text(requested),
      state: text(state),
      ...present({ capacity: text(capacity) }),
    })),
    gateways: list(status.gateways).map((gateway) => ({
      pod: text(gateway.pod),
      revision: text(gateway.revision),
      ready: gateway.ready === true,
      draining: gateway.draining === true,
      ...present({
        connections: count(gateway.connections),
        drainRemaining: count(gateway.drainRemaining),
        drainEtaSeconds: count(gateway.drainEtaSeconds),
        reason: text(gateway.reason, MOST.text),
      }),
    })),
    ...(upgrade && { upgrade }),
    history: list(status.upgradeHistory, MOST.history).map((past) => ({
      revision: text(past.revision),
      outcome: text(past.outcome),
      ...present({
        version: text(past.version),
        image: text(past.image, MOST.text),
        startTime: millis(past.startedAt),
        finishTime: millis(past.finishedAt),
        message: text(past.message, MOST.text),
      }),
      ...proofOf(past.proof),
    })),
  };
}
