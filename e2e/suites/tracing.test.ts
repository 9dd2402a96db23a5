import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connectWire, newestSeqs, scanPush, sendMessage, textMessage, type WireConnection } from '@im/client';
import { type Cluster, startCluster } from '@im/dev-cluster';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver, treeOf } from '@im/testing';
import { eventually } from './eventually.ts';

const PHONE = 2;

describe('traces', () => {
  let collector: OtlpReceiver;
  let cluster: Cluster;
  before(async () => {
    collector = await startOtlpReceiver();
    const tracing = {
      endpoint: collector.url,
      sampleRatio: 1,
      maxSpansPerSecond: 10_000,
      followCallers: true,
    };
    cluster = await startCluster({ topology: 'many', config: { tracing, push: { provider: 'log' } } });
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
    const admin = cluster.admin('default');
    await admin.ensureUsers(['ann', 'bob']);
    const got: string[] = [];
    const connect = async (userID: string, gateway: number, platformID: number): Promise<WireConnection> =>
      connectWire(
        {
          ws: cluster.endpoint('default', gateway).ws,
          userID,
          token: await admin.userToken(userID, platformID),
          platformID,
        },
        {
          push: (data) =>
            got.push(...[...scanPush(data)].map(({ clientMsgID }) => `${userID} ${clientMsgID}`)),
        },
      );
    assert.ok(cluster.gateways.length >= 2);
    // A browser is no phone: bob is pushed to, and notified.
    const [ann, bob] = [await connect('ann', 0, PHONE), await connect('bob', 1, 5)];
    await Promise.all([newestSeqs(ann), newestSeqs(bob)]);
    await sendMessage(ann, textMessage('ann', { user: 'bob' }, 'first', 'hello'), {
      operationID: 'op-of-ann',
    });
    await eventually(() => assert.ok(got.includes('bob first')));
    const spans = await traceOf(
      'op-of-ann',
      (all) =>
        all.filter(({ name }) => name === 'push to clients').length === 2 &&
        all.some(({ name }) => name === 'push log'),
    );
    const instances = spans
      .filter(({ service }) => service === 'openim-gateway')
      .map(({ instance }) => instance);
    // The sender's first: spans of processes arrive in any order.
    const sender = spans.find(({ name }) => name === 'request SendMsg')?.instance;
    const gateways = [...new Set([sender, ...instances])];
    assert.equal(gateways.length, 2);
    const of = ({ service, instance, name }: ReceivedSpan) =>
      `${name} [${service}${service === 'openim-gateway' ? ` ${gateways.indexOf(instance)}` : ''}]`;
    const tree = treeOf(spans, of);
    assert.deepEqual(tree, [
      'request SendMsg [openim-gateway 0]',
      '  send batch [openim-gateway 0]',
      '    msg.sendMsgs [openim-gateway 0]',
      '      msg.sendMsgs [openim-rpc]',
      '  send message [openim-rpc]',
      '    append to log [openim-rpc]',
      '      fold [openim-transfer]',
      '        deliver [openim-transfer]',
      '        effects [openim-transfer]',
      '        load [openim-transfer]',
      '        offline push [openim-push]',
      '          push log [openim-push]',
      '        push to clients [openim-gateway 0]',
      '        push to clients [openim-gateway 1]',
      '        rows [openim-transfer]',
    ]);
    for (const span of spans) {
      assert.doesNotMatch(JSON.stringify(span), /hello|"ann"|"bob"/, 'neither content nor users');
    }
    ann.close();
    bob.close();
  });
});
