import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { withKube } from '../cluster/options.ts';
import { withTarget } from '../target-options.ts';
import { applyContext } from './apply.ts';
import type { Contexts } from './file.ts';

const CONTEXTS: Contexts = {
  current: 'a',
  contexts: {
    a: { api: 'http://a', tenant: 'shop', adminSecretEnv: 'A_SECRET' },
    k: { cluster: 'chat', namespace: 'im', kubeconfig: '/k' },
  },
};

/** What a command sees. */
function options(command: Command, args: string[], env: Record<string, string> = { A_SECRET: 's' }) {
  command.exitOverride().action(() => {});
  command.parse(args, { from: 'user' });
  applyContext(command, env, () => CONTEXTS);
  return command.opts();
}

const target = (name = 'list') => withTarget(new Command(name).argument('[name]'));
const kube = () => withKube(new Command('status').argument('[name]'));

test('the current context serves commands that name no server', () => {
  const seen = options(target(), []);
  assert.partialDeepStrictEqual(seen, {
    api: 'http://a',
    tenant: 'shop',
    adminSecret: 's',
    contextName: 'a',
  });
  assert.equal(options(target(), ['--tenant', 'other']).tenant, 'other');
  assert.equal(options(target(), ['--admin-secret-file', 'f']).adminSecret, undefined);
  for (const args of [
    ['--api', 'http://b'],
    ['--ws', 'ws://b'],
    ['--cluster', 'c'],
    ['--kube-context', 'c'],
  ])
    assert.equal(options(target(), args).contextName, undefined, args.join(' '));
  assert.equal(options(target(), [], { OPENIM_API: 'http://e' }).api, undefined);
});

test('a load is never put on the current context, only on one that is named', () => {
  assert.equal(options(target('bench'), []).contextName, undefined);
  assert.equal(options(target('bench'), ['--context', 'a']).api, 'http://a');
});

test('commands on Kubernetes take its contexts, and leave a current one of another kind alone', () => {
  assert.deepEqual(options(kube(), []), {});
  assert.partialDeepStrictEqual(options(kube(), ['--context', 'k']), { cluster: 'chat', namespace: 'im' });
  assert.equal(options(kube(), ['--context', 'k', '-n', 'other']).namespace, 'other');
  assert.equal(options(kube(), ['--context', 'k', 'there/chat']).namespace, undefined);
  assert.throws(() => options(kube(), ['--context', 'a']), /works on Kubernetes/);
});
