import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { textTable } from '../checker/index.ts';
import type { Measure } from './bench-run.ts';
import { referenceFigure } from './reference.ts';

/** All runs of one scenario; every run has the same measures in the same order. */
export interface ScenarioResult {
  readonly name: string;
  readonly runs: readonly (readonly Measure[])[];
}

/** One measure over its runs. */
interface Spread {
  readonly measure: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreads(result: ScenarioResult): Spread[] {
  return (result.runs[0] ?? []).map(({ name, unit }, i) => {
    const values = result.runs.map((run) => run[i]?.value ?? Number.NaN).sort((a, b) => a - b);
    const middle = (values.length - 1) / 2;
    const median = ((values[Math.floor(middle)] ?? 0) + (values[Math.ceil(middle)] ?? 0)) / 2;
    return { measure: name, unit, median, min: values[0] ?? 0, max: values.at(-1) ?? 0 };
  });
}

/** The table of results: median and spread, with the figures of the reference. */
export function resultTable(results: readonly ScenarioResult[]): string {
  const rows: string[][] = [['scenario / measure', 'unit', 'median', 'min', 'max', 'reference']];
  for (const result of results) {
    rows.push([result.name, '', '', '', '', '']);
    for (const s of spreads(result)) {
      rows.push([
        `  ${s.measure}`,
        s.unit,
        figure(s.median),
        figure(s.min),
        figure(s.max),
        referenceFigure(result.name, s.measure),
      ]);
    }
  }
  return textTable(rows);
}

function figure(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** Everything as JSON, with what is needed to compare it later. */
export function writeReport(file: string, description: string, results: readonly ScenarioResult[]): void {
  mkdirSync(dirname(file), { recursive: true });
  const report = {
    version: 1,
    at: new Date().toISOString(),
    target: description,
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), load: loadavg() },
    node: process.version,
    scenarios: results.map((result) => ({
      name: result.name,
      runs: result.runs,
      summary: spreads(result),
    })),
  };
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}
