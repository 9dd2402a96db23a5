import { CommandError, EXIT } from '../exit-codes.ts';
import { isForPeople, type OutputFormat, printRows, printValue } from '../output.ts';
import { showProgress } from '../progress.ts';
import { type ExamineOptions, examine } from './examine.ts';
import { counts, FINDING_COLUMNS, type Finding, findingRow, findingsText } from './finding.ts';

/** Options of `openimctl doctor`. */
export interface DoctorOptions extends ExamineOptions {
  all: boolean;
  strict: boolean;
  output: OutputFormat;
}

/** Runs `openimctl doctor`. @throws CommandError `unhealthy` for a critical finding, with `strict` also for a warning. */
export async function runDoctor(options: DoctorOptions): Promise<void> {
  const findings = await withProgress(options);
  const { output, all, strict } = options;
  const number = counts(findings);
  if (output === 'table') console.log(findingsText(findings, all));
  else if (isForPeople(output)) await printRows(findings.map(findingRow), FINDING_COLUMNS, output);
  else await printValue({ findings, counts: number }, output, 'check');
  const bad = number.critical + (strict ? number.warning : 0);
  if (bad > 0) throw new CommandError(EXIT.unhealthy, `${bad} findings need attention`);
}

async function withProgress(options: ExamineOptions): Promise<Finding[]> {
  using _shown = showProgress(() => 'examining stores and processes');
  return await examine(options);
}

/** Exit codes of `openimctl check`, as Nagios and its successors take them. */
const NAGIOS = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;

/** Runs `openimctl check`: one line and one of four exit codes, whatever happens. */
export async function runCheck(options: ExamineOptions): Promise<void> {
  try {
    const findings = await withProgress(options);
    const number = counts(findings);
    const state =
      number.critical > 0 ? 'critical' : number.warning > 0 ? 'warning' : number.ok > 0 ? 'ok' : 'unknown';
    const worst = findings.filter(({ severity }) => severity === state);
    const [first] = worst;
    const text =
      state === 'ok' || first === undefined
        ? `${number.ok} checks are fine`
        : `${first.subject}: ${first.message}${worst.length > 1 ? ` (and ${worst.length - 1} more)` : ''}`;
    const figures = `critical=${number.critical} warning=${number.warning} unknown=${number.unknown} ok=${number.ok}`;
    console.log(`OPENIM ${state.toUpperCase()} - ${oneLine(text)} | ${figures}`);
    process.exitCode = NAGIOS[state];
  } catch (error) {
    console.log(`OPENIM UNKNOWN - ${oneLine(error instanceof Error ? error.message : String(error))}`);
    process.exitCode = NAGIOS.unknown;
  }
}

/** Monitors take the first line, and what follows a bar as figures. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '/').slice(0, 500);
}
