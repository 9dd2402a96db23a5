import type { FileResult } from './run-file.ts';

/** What became of one suite. */
export interface SuiteResult {
  readonly name: string;
  readonly files: readonly FileResult[];
}

/** Totals over any number of files. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function totals(files: readonly FileResult[]): Totals {
  const sum = (of: (file: FileResult) => number) => files.reduce((n, file) => n + of(file), 0);
  return {
    passed: sum((file) => file.passed),
    failed: sum((file) => file.failures.length),
    skipped: sum((file) => file.skipped.length),
  };
}

/** One line about a finished file, followed by its measurements, its failures and, with them, the end of its output. */
export function describeFile(result: FileResult): string {
  const { passed, failed, skipped } = totals([result]);
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`];
  const lines = [
    `${failed > 0 ? '✖' : '✔'} ${result.file}  ${counts.filter(Boolean).join(', ')}  ${seconds(result.ms)}`,
  ];
  for (const note of result.notes) lines.push(`    ${note}`);
  for (const failure of result.failures) {
    lines.push(`    ✖ ${failure.test}`, indent(failure.error, 8));
  }
  if (failed > 0 && result.output.trim() !== '') {
    lines.push('    last output:', indent(result.output.trimEnd().split('\n').slice(-60).join('\n'), 8));
  } else if (result.file.startsWith('e2e/suites/') && result.output.trim() !== '') {
    // End-to-end suites print their tables: figures that are worth reading when nothing failed, too.
    lines.push(indent(result.output.trim(), 4));
  }
  return lines.join('\n');
}

/** Files that the end of a run names by their time. */
const SLOWEST = 10;
/** Lines that the end of a run gives to the errors of failed tests, at least one each. */
const FAILURE_LINES = 36;
/** Failed tests that the very end of a run names, one line each: often it is all that is kept. */
const NAMED_LAST = 12;

/** The table of suites with the sum of their files' times, the slowest files, the reasons of skipped tests, the failed tests once more with their errors and then by name, and the closing line. */
export function describeRun(suites: readonly SuiteResult[]): string {
  const rows = suites.map(({ name, files }) => {
    const { passed, failed, skipped } = totals(files);
    const ms = files.reduce((sum, file) => sum + file.ms, 0);
    return [name, String(files.length), String(passed), String(failed), String(skipped), seconds(ms)];
  });
  const all = suites.flatMap(({ files }) => files);
  const { passed, failed, skipped } = totals(all);
  const lines = ['', ...table(['suite', 'files', 'passed', 'failed', 'skipped', 'time'], rows)];
  if (all.length > SLOWEST) {
    lines.push('', `the ${SLOWEST} slowest files:`);
    const bySlowness = [...all].sort((a, b) => b.ms - a.ms).slice(0, SLOWEST);
    for (const { file, ms } of bySlowness) lines.push(`  ${seconds(ms).padStart(8)}  ${file}`);
  }
  if (skipped > 0) lines.push('', 'skipped:');
  for (const file of all) {
    for (const { test, reason } of file.skipped) lines.push(`  ${file.file}: ${test} (${reason})`);
  }
  if (failed > 0) lines.push('', 'failed:');
  const linesEach = Math.max(1, Math.floor(FAILURE_LINES / failed));
  for (const file of all) {
    for (const { test, error } of file.failures) {
      lines.push(`  ${file.file}: ${test}`, indent(beginningOf(error, linesEach), 4));
    }
  }
  if (failed > 0) lines.push('', ...lastNames(all));
  lines.push('', `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return lines.join('\n');
}

/** The first failed tests without their errors. */
function lastNames(files: readonly FileResult[]): string[] {
  const names = files.flatMap(({ file, failures }) => failures.map(({ test }) => `✖ ${file}: ${test}`));
  const more = names.length - NAMED_LAST;
  return [...names.slice(0, NAMED_LAST), ...(more > 0 ? [`✖ and ${more} more`] : [])];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
}

/** The first lines of a text that say something. */
function beginningOf(text: string, lines: number): string {
  const said = text.split('\n').filter((line) => line.trim() !== '');
  return said
    .slice(0, lines)
    .map((line) => line.slice(0, 300))
    .join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function indent(text: string, by: number): string {
  return text.replace(/^/gm, ' '.repeat(by));
}
