import { setFlagsFromString } from 'node:v8';

/** First version of V8 that is known to have the flag: an unknown one is reported on stderr. */
const SINCE_V8 = 13;

/**
 * Sets what the runtime takes at run time only, as early as can be. Frames and records live outside of the heap, and V8
 * collects the whole heap behind every 64 MiB of them, several times a second under load. Counted toward the heap's own
 * limits, which a container's memory sets, they are collected as the heap is.
 */
export function tuneRuntime(): void {
  if (Number.parseInt(process.versions.v8, 10) < SINCE_V8) return;
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}
