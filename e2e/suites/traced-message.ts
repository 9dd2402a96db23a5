import assert from 'node:assert/strict';
import { connectWire, newestSeqs, scanPush, sendMessage, textMessage, type WireConnection } from '@im/client';
import { type Cluster, type ClusterOptions, startCluster } from '@im/dev-cluster';
import { treeOf } from '@im/testing';
import { eventually } from './eventually.ts';

const PHONE = 2;
const BROWSER = 5;

/** Starts a process per role and two gateways, of which every trace goes to a collector. */
export function startTracedCluster(
  endpoint: string,
  options: Pick<ClusterOptions, 'topology'> = { topology: 'many' },
): Promise<Cluster> {
  const tracing = { endpoint, sampleRatio: 1, maxSpansPerSecond: 10_000, followCallers: true };
  return startCluster({ ...options, config: { tracing, push: { provider: 'log' } } });
}

/** Has `ann`, on the first gateway, send `bob`, on the second, "hello", and waits until he has it. */
export async function sendTraced(cluster: Cluster, operationID: string): Promise<void> {
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
        push: (data) => got.push(...[...scanPush(data)].map(({ clientMsgID }) => `${userID} ${clientMsgID}`)),
      },
    );
  assert.ok(cluster.gateways.length >= 2);
  // A browser is no phone: bob is pushed to, and notified.
  const [ann, bob] = [await connect('ann', 0, PHONE), await connect('bob', 1, BROWSER)];
  try {
    await Promise.all([newestSeqs(ann), newestSeqs(bob)]);
    await sendMessage(ann, textMessage('ann', { user: 'bob' }, 'first', 'hello'), { operationID });
    await eventually(() => assert.ok(got.includes('bob first')));
  } finally {
    ann.close();
    bob.close();
  }
}

/** What is compared of a step, whatever has read it back. */
export interface Step {
  readonly spanID: string;
  readonly parentID: string;
  readonly name: string;
  readonly service: string;
  readonly instance: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Whether all steps of the message have arrived. */
export function isComplete(steps: readonly Step[]): boolean {
  return (
    steps.filter(({ name }) => name === 'push to clients').length === 2 &&
    steps.some(({ name }) => name === 'push log')
  );
}

/** The steps of a message between two gateways as lines; those of the stores are left out. */
export function treeOfMessage(steps: readonly Step[]): string[] {
  const instances = steps
    .filter(({ service }) => service === 'openim-gateway')
    .map(({ instance }) => instance);
  // The sender's first: steps of processes arrive in any order.
  const sender = steps.find(({ name }) => name === 'request SendMsg')?.instance;
  const gateways = [...new Set([sender, ...instances])];
  assert.equal(gateways.length, 2);
  return treeOf(
    steps.filter(({ attributes }) => attributes['db.system.name'] === undefined),
    ({ service, instance, name }) =>
      `${name} [${service}${service === 'openim-gateway' ? ` ${gateways.indexOf(instance)}` : ''}]`,
  );
}

/** The steps of a message from the frame over both gateways to the offline notification. */
export const MESSAGE_TREE: readonly string[] = [
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
];
