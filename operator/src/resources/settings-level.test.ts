import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTINGS_LEVEL } from '@im/contract';
import { knownClusterSpec, type LevelInput, settingsLevel, taggedVersion } from './settings-level.ts';

test('services from before the prober are sent none of it, although they report a level', () => {
  const spec = { limits: {}, prober: { enabled: true }, console: { adminSecretLogin: true } };
  assert.deepEqual(knownClusterSpec(spec, 1), {
    spec: { limits: {} },
    leftOut: ['spec.console', 'spec.prober'],
  });
  assert.deepEqual(knownClusterSpec(spec, 2), { spec, leftOut: [] });
});

test('fields that services of a level would refuse are left out, and listed', () => {
  const spec = {
    logLevel: 'debug',
    gateway: { replicas: 3, requests: { burst: 1 }, handshakes: { burst: 5, perLogin: { burst: 1 } } },
    limits: { userMessages: { perSecond: 1 } },
  } as const;
  const before = structuredClone(spec);
  assert.deepEqual(knownClusterSpec(spec, 0), {
    spec: { logLevel: 'debug', gateway: { replicas: 3, handshakes: { burst: 5 } } },
    leftOut: ['spec.gateway.requests', 'spec.gateway.handshakes.perLogin', 'spec.limits'],
  });
  assert.deepEqual(spec, before, "what is given is another's");
  assert.deepEqual(knownClusterSpec(spec, 1), { spec, leftOut: [] });
  assert.deepEqual(knownClusterSpec({}, 0), { spec: {}, leftOut: [] });
});

const process = (level: number | undefined, version = '1.0.0') => ({
  version,
  ...(level === undefined ? {} : { settingsLevel: level }),
});

function levelOf(change: Partial<LevelInput>): number {
  return settingsLevel({
    before: 1,
    processes: [process(1), process(1)],
    complete: true,
    wanted: '1.0.0',
    rolledOut: true,
    own: '1.0.0',
    isNew: false,
    ...change,
  });
}

test('the level is that of the process that knows least', () => {
  assert.equal(levelOf({}), 1);
  assert.equal(levelOf({ processes: [process(1), process(undefined)] }), 0);
  assert.equal(levelOf({ processes: [process(SETTINGS_LEVEL + 5)] }), SETTINGS_LEVEL, 'no more than its own');
});

test('it rises only when every process has reported, and falls immediately', () => {
  assert.equal(levelOf({ before: 0, complete: false }), 0);
  assert.equal(levelOf({ before: 0 }), 1);
  assert.equal(levelOf({ complete: false, processes: [process(undefined)] }), 0);
});

test('the version of an image is in its tag', () => {
  const version = (tag: string) => taggedVersion(`registry:5000/openim/im${tag}`);
  assert.deepEqual([':1.2.3', ':1.2.3-rc.1', ':7', ':latest', `@sha256:${'a'.repeat(64)}`, ''].map(version), [
    '1.2.3',
    '1.2.3-rc.1',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('without reports it stays; for a new cluster it is that of the version', () => {
  assert.equal(levelOf({ processes: [], complete: false }), 1);
  assert.equal(levelOf({ processes: [], before: 0 }), 0);
  assert.equal(levelOf({ processes: [], before: undefined }), 0, 'a cluster of an earlier operator');
  assert.equal(levelOf({ processes: [], before: undefined, isNew: true }), SETTINGS_LEVEL);
  assert.equal(levelOf({ processes: [], before: undefined, isNew: true, wanted: '0.9.0' }), 0);
});

test('on a downgrade no setting is written that the older version might reject', () => {
  const older = { wanted: '0.9.3', rolledOut: false };
  assert.equal(levelOf(older), 0);
  assert.equal(levelOf({ ...older, processes: [process(1, '0.9.3')] }), 1, 'it reports its level');
  assert.equal(levelOf({ wanted: '0.9.3' }), 1, 'an image whose version has another name');
  assert.equal(levelOf({ wanted: '1.0.1', rolledOut: false }), 1);
  assert.equal(levelOf({ wanted: '1.10.0', rolledOut: false, processes: [process(1, '1.9.0')] }), 1);
});
