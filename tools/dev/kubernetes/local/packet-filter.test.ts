import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removalCommands } from './packet-filter.ts';

test('only chains of Kubernetes and CNI go, jumps first', () => {
  const rules = [
    '-P INPUT ACCEPT',
    '-N DOCKER',
    '-N KUBE-SERVICES',
    '-N CNI-HOSTPORT-DNAT',
    '-A PREROUTING -m comment --comment "kubernetes service \\"portals\\"" -j KUBE-SERVICES',
    '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
    '-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-X',
    '',
  ].join('\n');
  assert.deepEqual(removalCommands(rules), [
    ['-D', 'PREROUTING', '-m', 'comment', '--comment', 'kubernetes service "portals"', '-j', 'KUBE-SERVICES'],
    ['-F', 'KUBE-SERVICES'],
    ['-F', 'CNI-HOSTPORT-DNAT'],
    ['-X', 'KUBE-SERVICES'],
    ['-X', 'CNI-HOSTPORT-DNAT'],
  ]);
});

test('a machine without them keeps its rules', () => {
  assert.deepEqual(removalCommands('-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n'), []);
});
