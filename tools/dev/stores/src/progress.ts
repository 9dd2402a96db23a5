/** Reports the progress of long work on stderr; silent for work that ends within two seconds. */
export interface Progress {
  /** Replaces the current step. */
  doing(what: string): void;
}

const SILENT_MS = 2_000;
const REPEAT_MS = 10_000;

/**
 * Runs `work` under a title. Prints `[title] what (seconds)` after two seconds, then every ten, and at the end how long
 * it took.
 */
export async function withProgress<T>(
  title: string,
  work: (progress: Progress) => Promise<T>,
  print: (line: string) => void = printToStderr,
): Promise<T> {
  const started = performance.now();
  const seconds = (): string => `${Math.round((performance.now() - started) / 1000)} s`;
  let what = 'working';
  let shown = false;
  const show = (): void => {
    shown = true;
    print(`[${title}] ${what} (${seconds()})`);
  };
  const first = setTimeout(show, SILENT_MS);
  const repeat = setInterval(show, REPEAT_MS);
  try {
    const result = await work({
      doing: (next) => {
        what = next;
      },
    });
    if (shown) print(`[${title}] done (${seconds()})`);
    return result;
  } finally {
    clearTimeout(first);
    clearInterval(repeat);
  }
}

/** Writes one line to stderr. */
export function printToStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
