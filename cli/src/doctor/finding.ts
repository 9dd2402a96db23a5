import type { Row } from '../output.ts';

/** How bad a finding is; `unknown` is what could not be examined. */
export type Severity = 'ok' | 'unknown' | 'warning' | 'critical';

/** What was found out about one thing. */
export interface Finding {
  /** Which check, such as `mongo.reachable`; stays the same from version to version. */
  readonly check: string;
  /** What was examined, such as `mongodb at 10.0.0.1:27017`. */
  readonly subject: string;
  readonly severity: Severity;
  /** What was seen. */
  readonly message: string;
  /** What it leads to; empty when all is well. */
  readonly meaning: string;
  /** What to do; empty when all is well. */
  readonly remedy: string;
}

const ORDER: readonly Severity[] = ['critical', 'warning', 'unknown', 'ok'];

/** A finding that needs no action. */
export function fine(check: string, subject: string, message: string): Finding {
  return { check, subject, severity: 'ok', message, meaning: '', remedy: '' };
}

/** Findings, worst first; those of the same severity by check and subject. */
export function sorted(findings: readonly Finding[]): Finding[] {
  const key = ({ severity, check, subject }: Finding) => `${ORDER.indexOf(severity)} ${check} ${subject}`;
  return [...findings].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Number of findings by severity. */
export function counts(findings: readonly Finding[]): Record<Severity, number> {
  const all = { critical: 0, warning: 0, unknown: 0, ok: 0 };
  for (const { severity } of findings) all[severity] += 1;
  return all;
}

/** Findings as text: a block with meaning and remedy for each that needs attention, and a line for each other one. */
export function findingsText(findings: readonly Finding[], withFine: boolean): string {
  const blocks = sorted(findings)
    .filter(({ severity }) => withFine || severity !== 'ok')
    .map(({ severity, check, subject, message, meaning, remedy }) => {
      const head = `${severity.toUpperCase().padEnd(8)} ${check}: ${subject}: ${message}`;
      return [head, ...[meaning, remedy].filter(Boolean).map((text) => `${' '.repeat(9)}${text}`)].join('\n');
    });
  const { critical, warning, unknown, ok } = counts(findings);
  const sum = `${critical} critical, ${warning} warnings, ${unknown} not examined, ${ok} ok`;
  return [...blocks, sum].join('\n');
}

/** Columns of findings as a table. */
export const FINDING_COLUMNS = ['severity', 'check', 'subject', 'message', 'remedy'] as const;

/** A finding for the output formats that have rows. */
export function findingRow(finding: Finding): Row {
  return { ...finding };
}
