import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type JaegerSpan, spansOf, startJaeger } from '@im/dev-jaeger';
import { eventually } from './eventually.ts';
import { isComplete, MESSAGE_TREE, sendTraced, startTracedCluster, treeOfMessage } from './traced-message.ts';

test('Jaeger shows a message as one trace from the frame over both gateways to the offline push', {
  skip: process.env.FULL === '1' ? false : 'Jaeger is compiled for it; FULL=1 runs it',
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openim-jaeger-'));
  try {
    await using jaeger = await startJaeger(dir);
    const cluster = await startTracedCluster(jaeger.otlpURL);
    try {
      await sendTraced(cluster, 'op-of-ann');
      let steps: readonly JaegerSpan[] = [];
      await eventually(async () => {
        const tag = { key: 'openim.operation_id', value: 'op-of-ann' };
        const traces = await jaeger.tracesOf('openim-gateway', tag);
        assert.equal(traces.length, 1);
        steps = traces.flatMap(spansOf);
        assert.ok(isComplete(steps), JSON.stringify(steps.map(({ name }) => name)));
      });
      assert.deepEqual(treeOfMessage(steps), MESSAGE_TREE);
      const warnings = steps.flatMap((step) => step.warnings.map((warning) => `${step.name}: ${warning}`));
      // Jaeger takes steps that begin after their parent has ended for those of a wrong clock.
      assert.deepEqual(
        warnings.filter((warning) => !warning.includes('clock skew')),
        [],
      );
      assert.doesNotMatch(JSON.stringify(steps), /hello|"ann"|"bob"/, 'neither content nor users');
    } finally {
      await cluster.close();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
