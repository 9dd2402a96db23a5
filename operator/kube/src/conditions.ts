import type { Condition, Pod } from './wire.ts';

/** New state of a condition. */
export interface ConditionUpdate {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase, stable. */
  readonly reason: string;
  /** For users: field, fault and remedy. */
  readonly message: string;
  /** `metadata.generation` of the reconciled object. */
  readonly observedGeneration?: number | undefined;
}

/**
 * `conditions` with this one set. `lastTransitionTime` changes only when the status changes, not with a new message.
 * The given list is not mutated.
 */
export function setCondition(
  conditions: readonly Condition[],
  update: ConditionUpdate,
  now: Date = new Date(),
): Condition[] {
  const before = conditions.find(({ type }) => type === update.type);
  const flipped = before?.status !== update.status;
  const next: Condition = {
    type: update.type,
    status: update.status,
    reason: update.reason,
    message: update.message,
    lastTransitionTime: flipped || !before ? timestamp(now) : before.lastTransitionTime,
  };
  if (update.observedGeneration !== undefined) next.observedGeneration = update.observedGeneration;
  return before
    ? conditions.map((condition) => (condition === before ? next : condition))
    : [...conditions, next];
}

/**
 * `conditions` with exactly the types of `types`, in this order. Missing ones are added as Unknown, so that all
 * conditions can be waited for from the start.
 */
export function withAllConditions(
  conditions: readonly Condition[],
  types: readonly string[],
  observedGeneration?: number,
  now: Date = new Date(),
): Condition[] {
  return types.map((type) => {
    const known = conditions.find((condition) => condition.type === type);
    if (known) return known;
    const update = { type, status: 'Unknown', reason: 'Pending', message: 'Not observed yet.' } as const;
    const [added] = setCondition([], { ...update, observedGeneration }, now);
    if (!added) throw new Error('a condition was not set');
    return added;
  });
}

/** The condition of this type, if present. */
export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether the condition Ready of a pod holds; it may be terminating nevertheless. */
export function isPodReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') ?? false;
}

/** RFC 3339 in whole seconds, as the API server keeps times. */
export function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
