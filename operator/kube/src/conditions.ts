import type { Condition } from './wire.ts';

/** What a condition says now. */
export interface ConditionUpdate {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  /** CamelCase, stable. */
  readonly reason: string;
  /** For a person. */
  readonly message: string;
  /** `metadata.generation` of the object that was looked at. */
  readonly observedGeneration?: number | undefined;
}

/**
 * `conditions` with this one set; the others stay as they are. `lastTransitionTime` moves only when
 * the status flips, so a new message is no transition. The given list is left alone.
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
 * `conditions` with every type of `types` in this order: what was not there yet is Unknown, so that
 * a reader sees from the first visit on what can be waited for. Types that are not known any more go.
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
    const update = { type, status: 'Unknown', reason: 'Pending', message: 'Not looked at yet' } as const;
    const [made] = setCondition([], { ...update, observedGeneration }, now);
    if (!made) throw new Error('a condition was not set');
    return made;
  });
}

/** The condition of this type, if it is there. */
export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** RFC 3339 in whole seconds, as the API server keeps times. */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
