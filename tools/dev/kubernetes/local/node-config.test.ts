import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderManifests } from './local-cluster.ts';
import { containerdConfig } from './node-config.ts';
import { PAUSE_IMAGE } from './system-images.ts';

test('containerd is configured in the words of its version', () => {
  const old = containerdConfig('1.6.20', '/cni');
  assert.match(old, /^version = 2$/m);
  assert.ok(old.includes(`sandbox_image = "${PAUSE_IMAGE}"`));
  const current = containerdConfig('2.1.4', '/cni');
  assert.match(current, /^version = 3$/m);
  assert.ok(current.includes(`sandbox = "${PAUSE_IMAGE}"`));
  assert.ok(!current.includes('io.containerd.grpc.v1.cri'));
});

test('manifests get their values, and one without a value is an error', () => {
  assert.equal(renderManifests('image: "@IMAGE@"', { IMAGE: 'a:1' }), 'image: "a:1"');
  assert.throws(() => renderManifests('@OTHER@', { IMAGE: 'a:1' }), /want a value for OTHER/);
});
