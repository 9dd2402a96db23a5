import { NO_PROBER_COUNTS, type ProberFinding, type ProberGap, type ProberTotals } from '@im/contract';
import type { Verdict } from '@im/proof';

/** Findings and gaps that are kept. */
const KEPT = 20;

/** The counts before the first round. */
export function noTotals(since: number): ProberTotals {
  return { since, judgedUntil: 0, ...NO_PROBER_COUNTS };
}

/** The counts with those of one more round, whose messages were sent until `until`. */
export function withRound(
  totals: ProberTotals,
  { counts, ...verdict }: Verdict,
  until: number,
): ProberTotals {
  return {
    since: totals.since,
    judgedUntil: Math.max(totals.judgedUntil, until),
    sent: totals.sent + verdict.sent,
    acknowledged: totals.acknowledged + verdict.acknowledged,
    received: totals.received + verdict.delivered,
    lost: totals.lost + counts.lost,
    duplicated: totals.duplicated + counts.doubled,
    reordered: totals.reordered + counts.reordered,
    refused: totals.refused + verdict.refused,
    other: totals.other + counts.phantom + counts.readBack + counts.late,
  };
}

/** The newest findings, those of a verdict included. */
export function withFindings(
  known: readonly ProberFinding[],
  { examples }: Pick<Verdict, 'examples'>,
  at: number,
): ProberFinding[] {
  const added = examples.map(({ fault, conversation, text }) => ({
    at,
    fault,
    text: `${conversation}: ${text}`,
  }));
  return [...known, ...added].slice(-KEPT);
}

/** The newest gaps, `added` included. */
export function withGaps(known: readonly ProberGap[], added: readonly ProberGap[]): ProberGap[] {
  return [...known, ...added].slice(-KEPT);
}
