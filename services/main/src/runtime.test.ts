import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** Makes 12 GB of short-lived frames beside a live heap, and prints how often the whole heap was collected. */
const SCRIPT = `
  import { constants, PerformanceObserver } from 'node:perf_hooks';
  import { setImmediate } from 'node:timers/promises';

  const [tuning] = process.argv.slice(1);
  if (tuning !== undefined) (await import(tuning)).tuneRuntime();
  let collections = 0;
  const { NODE_PERFORMANCE_GC_MAJOR } = constants;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().filter(({ detail }) => detail.kind === NODE_PERFORMANCE_GC_MAJOR).length;
  });
  observer.observe({ entryTypes: ['gc'] });
  const live = Array.from({ length: 100_000 }, (_, i) => ({ i, key: 'key' + i }));
  for (let i = 0; i < 400; i++) {
    // Their memory is never touched: it counts and costs nothing.
    for (let n = 0; n < 100; n++) Buffer.allocUnsafeSlow(300_000);
    await setImmediate();
  }
  await setImmediate();
  console.log(live.length > 0 ? collections : -1);
`;

function collections(...args: string[]): number {
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', SCRIPT, '--', ...args], {
    encoding: 'utf8',
  });
  return Number(output);
}

test('frames outside of the heap do not have the whole heap collected', () => {
  const [untuned, tuned] = [collections(), collections(new URL('./runtime.ts', import.meta.url).href)];
  assert.ok(untuned >= 50, `${untuned} collections by default`);
  assert.ok(tuned * 2 < untuned, `${tuned} collections when tuned, ${untuned} by default`);
});
