import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { OPERATOR, type TestCluster } from '@im/dev-cluster';
import { POD } from '@im/kube';
import { now } from '@im/proof';

const LED_WITHIN_MS = 60_000;
const POLL_MS = 250;

/** Removes every pod of the operator without grace, which is a SIGKILL; new ones follow immediately. */
export async function killOperators({ api }: TestCluster): Promise<void> {
  const { namespace } = OPERATOR;
  const labelSelector = `app.kubernetes.io/instance=${OPERATOR.release}`;
  const { items } = await api.list(POD, { namespace, labelSelector });
  await Promise.all(
    items.map(({ metadata: { name } }) => api.delete(POD, { namespace, name }, { gracePeriodSeconds: 0 })),
  );
}

/** Waits until an operator leads. */
export async function untilLed(testCluster: TestCluster): Promise<void> {
  for (const deadline = now() + LED_WITHIN_MS; (await testCluster.operatorLeader()) === undefined; ) {
    assert.ok(now() < deadline, `an operator leads within ${LED_WITHIN_MS / 1_000} s`);
    await sleep(POLL_MS);
  }
}
