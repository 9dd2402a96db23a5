import type { Cron } from 'croner';

/** Longest single timer; also bounds what a clock that is set back costs. */
const MAX_TIMER_MS = 3_600_000;

/** Calls at each due time by a clock. @returns what ends it. */
export function atEach(pattern: Cron, now: () => number, onDue: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (due: Date | null) => {
    if (!due) return;
    const left = due.getTime() - now();
    timer = setTimeout(
      () => {
        if (left > MAX_TIMER_MS) return wait(pattern.nextRun(new Date(now())));
        onDue();
        // From the due time on, which a timer that is early has not reached yet.
        wait(pattern.nextRun(new Date(Math.max(now(), due.getTime()))));
      },
      Math.max(0, Math.min(left, MAX_TIMER_MS)),
    );
    timer.unref();
  };
  wait(pattern.nextRun(new Date(now())));
  return () => clearTimeout(timer);
}

/** The due time of a schedule that is nearest to a time, which a process whose clock is fast has not reached yet. */
export function nearestDue(pattern: Pick<Cron, 'nextRun' | 'previousRuns'>, atMs: number): number {
  // A second later, since the due time itself would not be one before.
  const last = pattern.previousRuns(1, new Date(atMs + 1_000))[0]?.getTime();
  const next = pattern.nextRun(new Date(Math.max(atMs, last ?? 0)))?.getTime();
  if (last === undefined || next === undefined) return last ?? next ?? 0;
  return atMs - last < next - atMs ? last : next;
}
