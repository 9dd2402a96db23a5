import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

/** The packages of OpenTelemetry that a process has loaded, with tracing off, and then on. */
async function loadedPackages(): Promise<{ readonly off: string[]; readonly on: string[] }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'tracing-process.ts')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
    throw new Error('the process ended without an answer');
  } finally {
    child.kill('SIGKILL');
  }
}

test('OpenTelemetry is loaded when tracing is switched on, and not before', {
  timeout: 180_000,
}, async () => {
  const { off, on } = await loadedPackages();
  // The metrics' library needs the API, which is empty without an SDK.
  assert.deepEqual(off, ['@opentelemetry/api']);
  assert.ok(on.includes('@opentelemetry/sdk-trace'), on.join());
  assert.ok(on.includes('@opentelemetry/exporter-trace-otlp-proto'), on.join());
});
