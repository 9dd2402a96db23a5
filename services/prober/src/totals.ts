import type { ProberCounts, ProberFinding, ProberGap } from '@im/contract';
import type { Verdict } from '@im/proof';

/** Counts of all judged rounds. */
export interface Totals extends ProberCounts {
  /** Start of the counts, ms since the epoch. */
  readonly since: number;
  /** Messages sent until this time are judged, ms since the epoch; 0 before the first round. */
  readonly judgedUntil: number;
}

/** Findings and gaps that are kept. */
const KEPT = 20;

/** The counts before the first round. */
export function noTotals(since: number): Totals {
  return {
    since,
    judgedUntil: 0,
    sent: 0,
    acknowledged: 0,
    received: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    refused: 0,
    other: 0,
  };
}

/** The counts with those of one more round, whose messages were sent until `until`. */
export function withRound(totals: Totals, { counts, ...verdict }: Verdict, until: number): Totals {
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
