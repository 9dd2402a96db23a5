import type { ScalingRules } from '../../../resources/autoscaling.ts';

/** A recommended number of pods, and the time over which it was the recommendation, ms since the epoch. */
interface Recommendation {
  readonly from: number;
  readonly to: number;
  readonly replicas: number;
}

/** What an autoscaler remembers of one cluster. */
export interface ScalingHistory {
  /** Start of continuous observation, ms since the epoch. */
  readonly since: number;
  /** Time of the last recommendation. */
  readonly lastAt: number;
  /** Oldest first. */
  readonly recommendations: readonly Recommendation[];
  /** Changes of the number of pods, oldest first. */
  readonly changes: readonly { readonly at: number; readonly by: number }[];
}

/** Time without a recommendation after which windows start again, ms. */
const GAP_MS = 60_000;

/** A history that has seen nothing yet. */
export function emptyHistory(now: number): ScalingHistory {
  return { since: now, lastAt: now, recommendations: [], changes: [] };
}

/** Adds a recommendation. @param keepMs the longest window in force */
export function withRecommendation(
  history: ScalingHistory,
  replicas: number,
  now: number,
  keepMs: number,
): ScalingHistory {
  const continuous = now - history.lastAt <= GAP_MS;
  const kept = continuous ? history.recommendations.filter(({ to }) => to >= now - keepMs) : [];
  const last = kept.at(-1);
  const recommendations =
    last?.replicas === replicas
      ? [...kept.slice(0, -1), { ...last, to: now }]
      : [...kept, { from: now, to: now, replicas }];
  return { ...history, since: continuous ? history.since : now, lastAt: now, recommendations };
}

/** Adds a change of the number of pods. @param keepMs the longest period of a policy */
export function withChange(history: ScalingHistory, by: number, now: number, keepMs: number): ScalingHistory {
  return { ...history, changes: [...history.changes.filter(({ at }) => at > now - keepMs), { at: now, by }] };
}

/** The lowest recommendation of the window of scale-out. */
export function stableUp(history: ScalingHistory, { stabilizationWindowSeconds }: ScalingRules): number {
  return Math.min(...within(history, stabilizationWindowSeconds).map(({ replicas }) => replicas));
}

/** The highest recommendation of the window of scale-in, and when that leaves the window. */
export function stableDown(
  history: ScalingHistory,
  { stabilizationWindowSeconds }: ScalingRules,
  current: number,
): { readonly replicas: number; readonly until: number } {
  const windowMs = stabilizationWindowSeconds * 1_000;
  const recent = within(history, stabilizationWindowSeconds);
  const holding = recent.findLast(({ replicas }) => replicas >= current);
  // The whole window must have been seen.
  const until = Math.max(history.since, holding?.to ?? 0) + windowMs;
  const replicas = Math.max(...recent.map((each) => each.replicas));
  return {
    replicas: history.lastAt >= history.since + windowMs ? replicas : Math.max(replicas, current),
    until,
  };
}

/** Most pods that the policies allow now. */
export function upLimit(history: ScalingHistory, rules: ScalingRules, current: number): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map(({ type, value, periodSeconds }) => {
    const start = current - changedWithin(history, periodSeconds);
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return Math.max(current, rules.selectPolicy === 'Max' ? Math.max(...limits) : Math.min(...limits));
}

/** Fewest pods that the policies allow now. */
export function downLimit(history: ScalingHistory, rules: ScalingRules, current: number): number {
  if (rules.selectPolicy === 'Disabled') return current;
  const limits = rules.policies.map(({ type, value, periodSeconds }) => {
    const start = current - changedWithin(history, periodSeconds);
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return Math.min(current, rules.selectPolicy === 'Max' ? Math.min(...limits) : Math.max(...limits));
}

function within({ recommendations, lastAt }: ScalingHistory, seconds: number): readonly Recommendation[] {
  const from = lastAt - seconds * 1_000;
  // The newest one counts for an empty window.
  return recommendations.filter(({ to }, i) => to > from || i === recommendations.length - 1);
}

function changedWithin({ changes, lastAt }: ScalingHistory, seconds: number): number {
  const from = lastAt - seconds * 1_000;
  return changes.reduce((sum, { at, by }) => (at > from ? sum + by : sum), 0);
}
