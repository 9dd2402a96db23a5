/** What can go wrong with messages. */
export const FAULTS = ['lost', 'doubled', 'reordered', 'phantom', 'readBack', 'late'] as const;

/**
 * `lost`: acknowledged, but missing at a device that must get it or in the final pull, or a seq without a message.
 * `doubled`: twice at a device, stored twice, or sent back to the device that sent it.
 * `reordered`: seqs that fall at a device, seqs that differ between users, or an order that contradicts
 * the acknowledgements.
 * `phantom`: never sent, refused, or for others.
 * `readBack`: a read position or a conversation's highest seq that fell.
 * `late`: later than the run's deadline.
 */
export type Fault = (typeof FAULTS)[number];

/** One thing that went wrong. */
export interface Finding {
  readonly fault: Fault;
  readonly conversation: string;
  /** For people. */
  readonly text: string;
}

/** Findings kept word by word; further ones are only counted. */
const MAX_EXAMPLES = 20;

/** The outcome of a check. */
export interface Verdict {
  sent: number;
  acknowledged: number;
  refused: number;
  /** Sent, and neither acknowledged nor refused. */
  open: number;
  /** Arrivals at devices, copies included. */
  delivered: number;
  /** Messages in final pulls, over all users. */
  pulled: number;
  readonly counts: Record<Fault, number>;
  /** Longest time from an acknowledgement to the arrival at a device that must get the message, in ms. */
  slowestDeliveryMs: number;
  /** Longest time that a device, while up, received nothing between two arrivals, in ms. */
  longestGapMs: number;
  /** The first findings. */
  readonly examples: Finding[];
}

export function emptyVerdict(): Verdict {
  return {
    sent: 0,
    acknowledged: 0,
    refused: 0,
    open: 0,
    delivered: 0,
    pulled: 0,
    counts: { lost: 0, doubled: 0, reordered: 0, phantom: 0, readBack: 0, late: 0 },
    slowestDeliveryMs: 0,
    longestGapMs: 0,
    examples: [],
  };
}

/** Counts a finding, and keeps it when it is among the first. */
export function addFinding(verdict: Verdict, finding: Finding): void {
  verdict.counts[finding.fault] += 1;
  if (verdict.examples.length < MAX_EXAMPLES) verdict.examples.push(finding);
}

/** True when nothing went wrong. */
export function isClean(verdict: Verdict): boolean {
  return FAULTS.every((fault) => verdict.counts[fault] === 0);
}

/** One row of the table that every run prints. */
export interface VerdictRow {
  readonly name: string;
  readonly verdict: Verdict;
}

/** The table of several runs, ready to print. */
export function verdictTable(rows: readonly VerdictRow[]): string {
  const head = [
    'run',
    'sent',
    'acknowledged',
    'lost',
    'doubled',
    'reordered',
    'phantom',
    'read back',
    'late',
    'slowest delivery',
    'longest gap',
  ];
  const body = rows.map(({ name, verdict: v }) => [
    name,
    String(v.sent),
    String(v.acknowledged),
    ...FAULTS.map((fault) => String(v.counts[fault])),
    `${(v.slowestDeliveryMs / 1000).toFixed(2)} s`,
    `${(v.longestGapMs / 1000).toFixed(2)} s`,
  ]);
  return textTable([head, ...body]);
}

/** Rows of cells as aligned columns: the first column to the left, the others to the right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
