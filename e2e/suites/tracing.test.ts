import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Cluster } from '@im/dev-cluster';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '@im/testing';
import { eventually } from './eventually.ts';
import { isComplete, MESSAGE_TREE, sendTraced, startTracedCluster, treeOfMessage } from './traced-message.ts';

describe('traces', () => {
  let collector: OtlpReceiver;
  let cluster: Cluster;
  before(async () => {
    collector = await startOtlpReceiver();
    cluster = await startTracedCluster(collector.url);
  });
  after(async () => {
    await cluster?.close();
    await collector?.[Symbol.asyncDispose]();
  });

  /** The trace of a request, when all of it has arrived. */
  async function traceOf(operationID: string, complete: (spans: readonly ReceivedSpan[]) => boolean) {
    let spans: readonly ReceivedSpan[] = [];
    await eventually(() => {
      const own = collector.spans.find((span) => span.attributes['openim.operation_id'] === operationID);
      assert.ok(own, 'no span of the request');
      spans = collector.spans.filter(({ traceID }) => traceID === own.traceID);
      assert.ok(complete(spans), JSON.stringify(spans.map(({ name }) => name)));
    });
    return spans;
  }

  test('a message is followed from the frame over both gateways to the offline push', async () => {
    await sendTraced(cluster, 'op-of-ann');
    const spans = await traceOf('op-of-ann', isComplete);
    assert.deepEqual(treeOfMessage(spans), MESSAGE_TREE);
    const call = spans.find(({ name, service }) => name === 'msg.sendMsgs' && service === 'openim-rpc');
    const asked = spans.filter(({ attributes }) => attributes['db.system.name'] === 'mongodb');
    assert.ok(
      asked.some(({ parentID }) => parentID === call?.spanID),
      'the first message loads its users',
    );
    for (const span of spans) {
      assert.doesNotMatch(JSON.stringify(span), /hello|"ann"|"bob"/, 'neither content nor users');
    }
  });
});
