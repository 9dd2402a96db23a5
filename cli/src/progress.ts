/** Steps shorter than this show no progress. */
const QUIET_MS = 2_000;
/** Between lines where they cannot be overwritten, such as in a log file. */
const LINE_INTERVAL_MS = 5_000;
const REDRAW_INTERVAL_MS = 500;

/** Where progress goes; `isTTY` says whether a line can be overwritten. */
export interface ProgressSink {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Says on stderr how far a command is once it takes longer than two seconds, until disposed:
 * `using shown = showProgress(() => `${done} of ${all} sent`)`.
 */
export function showProgress(describe: () => string, sink: ProgressSink = process.stderr): Disposable {
  const redraw = sink.isTTY === true;
  let drawn = false;
  const show = () => {
    drawn = true;
    sink.write(redraw ? `\r\x1b[K${describe()}` : `${describe()}\n`);
  };
  let repeat: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    show();
    repeat = setInterval(show, redraw ? REDRAW_INTERVAL_MS : LINE_INTERVAL_MS);
  }, QUIET_MS);
  return {
    [Symbol.dispose]() {
      clearTimeout(first);
      clearInterval(repeat);
      if (drawn && redraw) sink.write('\r\x1b[K');
      drawn = false;
    },
  };
}
