import { closeSync, openSync, writeSync } from 'node:fs';
import { encodeFact, type Fact } from './facts.ts';

/** Lines gathered before they are written, so that a load of thousands a second costs few system calls. */
const FLUSH_BYTES = 65_536;

/** Where a run's facts go. */
export interface FactSink {
  add(fact: Fact): void;
}

/** An append-only log of facts in one file. */
export interface Recorder extends FactSink, Disposable {
  readonly file: string;
  /** Flushes buffered facts. */
  flush(): void;
  /** Flushes buffered facts and closes the file; further facts are an error. */
  close(): void;
}

/** Opens a log for appending. Facts of one device belong into one log, in the order in which they happened. */
export function openRecorder(file: string): Recorder {
  const fd = openSync(file, 'a');
  let pending = '';
  let open = true;

  function flush(): void {
    if (pending === '') return;
    writeSync(fd, pending);
    pending = '';
  }
  function close(): void {
    if (!open) return;
    flush();
    open = false;
    closeSync(fd);
  }
  return {
    file,
    add(fact) {
      if (!open) throw new Error(`the log ${file} is closed`);
      pending += encodeFact(fact);
      if (pending.length >= FLUSH_BYTES) flush();
    },
    flush,
    close,
    [Symbol.dispose]: close,
  };
}

/** Now, as facts have it. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
