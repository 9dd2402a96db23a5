import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandsOf, inlineCommandsOf, writtenPages } from './documented-commands.ts';
import { kubectlFault } from './kubectl-fault.ts';

const ROOT = join(import.meta.dirname, '../..');

test('what is wrong with a call is found', () => {
  for (const [call, fault] of [
    ['get openimcluster chat', undefined],
    ['get openimclutser chat', /no kind openimclutser/],
    ['frobnicate pod x', /no verb frobnicate/],
    ['get pods --colour', /no flag --colour/],
    ['patch oim chat --type merge -p {"spec":{"transfer":{"replicas":4}}}', undefined],
    ['patch oim chat --type merge -p {"spec":{"transfer":{"replica":4}}}', /no field spec.transfer.replica$/],
    ['get oim chat -o jsonpath={.status.autoscalling}', /no field status.autoscalling/],
    ['get oim chat -o jsonpath={.status.conditions[?(@.type=="Ready")].status}', undefined],
    ['wait oit/shop --for=condition=QuotaExceded', /no QuotaExceded/],
    ['scale oit shop --replicas=4', /cannot be scaled/],
    ['get pods -l app.kubernetes.io/name=openim', undefined],
    ['get pods -l app=openim', /no object has the label app/],
    ['get pods -l app.kubernetes.io/name=open-im', /has the value open-im/],
    ['annotate oim chat openim.io/restarted-at=now', undefined],
    ['annotate oim chat openim.io/restart-at=now', /no annotation openim.io\/restart-at/],
    ['get secret chat-admins', /makes no Secret chat-admins/],
    ['get secret chat-admin -o jsonpath={.data.secret}', /has no key secret/],
    ['apply -f docs/samples/development.yaml', undefined],
    ['apply -f docs/samples/developement.yaml', /no file docs\/samples\/developement.yaml/],
    ['delete crd openimcluster.openim.io', /no CRD openimcluster.openim.io/],
  ] as const) {
    const args = call.split(' ');
    const found = (() => {
      try {
        return kubectlFault(args);
      } catch (error) {
        return (error as Error).message;
      }
    })();
    if (fault) assert.match(found ?? '', fault, call);
    else assert.equal(found, undefined, call);
  }
});

test('every kubectl of the documentation names what there is', () => {
  const faults: string[] = [];
  let calls = 0;
  for (const page of writtenPages()) {
    const written = readFileSync(join(ROOT, page), 'utf8').matchAll(/> ?([\w./-]+\.ya?ml)$/gm);
    const made = new Set([...written].map(([, file = '']) => file));
    for (const { place, args } of [...commandsOf(page, 'kubectl'), ...inlineCommandsOf(page, 'kubectl')]) {
      calls++;
      try {
        const fault = kubectlFault(args, made);
        if (fault !== undefined) faults.push(`${place}: kubectl ${args.join(' ')}: ${fault}`);
      } catch (error) {
        faults.push(`${place}: kubectl ${args.join(' ')}: ${(error as Error).message}`);
      }
    }
  }
  assert.ok(calls > 40, `only ${calls} calls were found`);
  assert.deepEqual(faults, []);
});
