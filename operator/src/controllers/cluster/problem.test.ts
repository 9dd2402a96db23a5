import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, ConnectionError, type ErrorDetails } from '@im/kube';
import { labelsOf } from '../../resources/names.ts';
import { problemOf, type RequestedObject, steadyText } from './problem.ts';

const object = (kind: string, name: string, component?: 'rpc' | 'gateway' | 'nats'): RequestedObject => ({
  kind,
  metadata: { name, labels: labelsOf('chat', component) },
});
const answer = (status: number, message: string, fields: readonly string[] = []) =>
  new ApiError({
    status,
    reason: '',
    message,
    details: { causes: fields.map((field) => ({ field })) } as ErrorDetails,
  });

test('an invalid object is a refusal that names object, field and remedy', () => {
  const text = 'Deployment.apps "chat-rpc" is invalid: spec.template.spec.affinity: Required value';
  const error = answer(422, text, ['spec.template.spec.affinity']);
  assert.deepEqual(problemOf(object('Deployment', 'chat-rpc', 'rpc'), error), {
    kind: 'refused',
    object: 'Deployment chat-rpc',
    reason: 'Invalid',
    cause: text,
    message: `Deployment chat-rpc: ${text}; correct spec.rpc.podTemplate`,
  });
});

const REMEDIES = [
  [object('Ingress', 'i', 'gateway'), answer(422, 'no', ['spec.rules']), 'Invalid', 'spec.gateway.ingress'],
  [
    object('Service', 's', 'gateway'),
    answer(422, 'port taken', ['spec.ports[0].nodePort']),
    'Invalid',
    'spec.gateway.service',
  ],
  [
    object('StatefulSet', 's', 'nats'),
    answer(422, 'no', ['spec.template.spec.containers[0].resources.limits']),
    'Invalid',
    'spec.nats.managed.resources',
  ],
  [
    object('Deployment', 'd', 'rpc'),
    answer(500, 'failed to create typed patch object: .spec: field not declared in schema'),
    'Invalid',
    'spec.rpc.podTemplate',
  ],
  [
    object('Ingress', 'i', 'gateway'),
    answer(403, 'admission webhook "x" denied the request: no'),
    'AdmissionDenied',
    'spec.gateway.ingress',
  ],
  [
    object('Service', 's'),
    answer(403, 'services "s" is forbidden: exceeded quota: q'),
    'QuotaExceeded',
    'ResourceQuota',
  ],
  [object('Service', 's'), answer(403, 'services "s" is forbidden: User cannot patch'), 'Forbidden', 'right'],
] as const;
for (const [requested, error, reason, remedy] of REMEDIES) {
  test(`${error.status} "${error.message}" of ${requested.kind} is refused: ${reason}`, () => {
    const problem = problemOf(requested, error);
    assert.deepEqual([problem.kind, problem.reason], ['refused', reason]);
    assert.ok(problem.message.replace(problem.cause, '').includes(remedy), problem.message);
  });
}

test('a failure that passes is no refusal', () => {
  const webhook = problemOf(
    object('Ingress', 'i'),
    answer(500, 'failed calling webhook "validate.nginx": refused'),
  );
  assert.deepEqual([webhook.kind, webhook.reason], ['failed', 'WebhookUnavailable']);
  const silent = problemOf(object('Ingress', 'i'), new ConnectionError('no answer within 8 s', {}));
  assert.deepEqual([silent.kind, silent.reason], ['failed', 'RequestFailed']);
});

test('texts of the same failure are equal, and keep what tells failures apart', () => {
  const one = steadyText(
    'webhook "w": request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 at 2026-01-02T03:04:05.678Z: no answer within 9876.54 ms, 1.25s, trace 4bf92f3577b34da6a3ce929d0e0e4736, 10.0.0.1:43210->10.0.0.2:443',
  );
  const other = steadyText(
    'webhook "w": request 9b2504e0-4f89-11d3-9a0c-0305e82c33ff at 2026-11-12T13:14:15Z: no answer within 10 ms, 3.5s, trace 00f92f3577b34da6a3ce929d0e0e4737, 10.0.0.1:54321->10.0.0.2:443',
  );
  assert.equal(one, other);
  const kept = 'spec.replicas: Invalid value: 3 must be at most 2 for chat-rpc-5d8f9c7b6 in 30 s';
  assert.equal(steadyText(kept), kept);
});
