import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolumeClaim, StatefulSet, Stored } from '@im/kube';
import type { OpenIMClusterSpec, StorageSettings } from '../../../gen/openimcluster.ts';
import { effectiveSpec } from '../../../resources/effective.ts';
import { natsCapacity } from '../../../resources/stores/nats.ts';
import { atRealSizes, planVolumes } from './volume-plan.ts';
import { storageResized } from './volumes.ts';

const operator = { version: '1.2.3', image: 'im:1' };
const labels = { 'app.kubernetes.io/component': 'nats' };

interface ClaimFacts {
  readonly requested: string;
  /** Absent: no volume yet. */
  readonly capacity?: string;
  readonly className?: string;
  readonly conditions?: readonly { readonly type: string; readonly message?: string }[];
  readonly infeasible?: boolean;
}

const claim = ({ requested, capacity, className, conditions = [], infeasible }: ClaimFacts) =>
  ({
    metadata: { name: 'data-chat-nats-0', uid: 'u', resourceVersion: '1', labels },
    spec: { storageClassName: className ?? 'fast', resources: { requests: { storage: requested } } },
    status: {
      phase: capacity === undefined ? 'Pending' : 'Bound',
      ...(capacity === undefined ? {} : { capacity: { storage: capacity } }),
      conditions: conditions.map((each) => ({ status: 'True', ...each })),
      ...(infeasible ? { allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' } } : {}),
    },
  }) as unknown as Stored<PersistentVolumeClaim>;

const setOf = (size: string, storageClassName?: string) =>
  ({
    metadata: { name: 'chat-nats', uid: 's', labels },
    spec: {
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { storageClassName, resources: { requests: { storage: size } } },
        },
      ],
    },
  }) as unknown as Stored<StatefulSet>;

const specOf = (storage?: StorageSettings): OpenIMClusterSpec =>
  storage === undefined ? {} : { nats: { managed: { storage } } };

function plan(storage: StorageSettings | undefined, facts: ClaimFacts, set = setOf('10Gi', 'fast')) {
  const spec = specOf(storage);
  const effective = effectiveSpec(spec, operator);
  const { actions, volumes } = planVolumes({ spec, effective, claims: [claim(facts)], statefulSets: [set] });
  const [volume] = volumes;
  assert.ok(volume);
  return { actions: actions.map((action) => action.kind), volume, condition: storageResized(volumes) };
}

const CASES = [
  ['as wanted', { size: '10Gi' }, { requested: '10Gi', capacity: '10Gi' }, [], 'UpToDate'],
  ['rounded up by the driver', { size: '10Gi' }, { requested: '10Gi', capacity: '11Gi' }, [], 'UpToDate'],
  ['larger wanted', { size: '20Gi' }, { requested: '10Gi', capacity: '10Gi' }, ['request'], 'Resizing'],
  ['growing', { size: '20Gi' }, { requested: '20Gi', capacity: '10Gi' }, [], 'Resizing'],
  [
    'grown but for the file system',
    { size: '20Gi' },
    { requested: '20Gi', capacity: '10Gi', conditions: [{ type: 'FileSystemResizePending' }] },
    [],
    'FileSystemResizePending',
  ],
  [
    'refused by the driver',
    { size: '20Gi' },
    { requested: '20Gi', capacity: '10Gi', infeasible: true },
    [],
    'Refused',
  ],
  ['taken back in part', { size: '15Gi' }, { requested: '20Gi', capacity: '10Gi' }, ['request'], 'Resizing'],
  ['taken back', { size: '10Gi' }, { requested: '20Gi', capacity: '10Gi' }, [], 'UpToDate'],
  [
    'smaller wanted than was rounded up',
    { size: '9Gi' },
    { requested: '10Gi', capacity: '11Gi' },
    [],
    'Refused',
  ],
  ['smaller wanted', { size: '5Gi' }, { requested: '10Gi', capacity: '10Gi' }, [], 'Refused'],
  ['no size wanted', undefined, { requested: '100Gi', capacity: '100Gi' }, [], 'UpToDate'],
  ['no volume yet', { size: '10Gi', storageClassName: 'fast' }, { requested: '10Gi' }, [], 'Pending'],
] as const;
for (const [name, storage, facts, actions, state] of CASES) {
  test(`a volume ${name}: ${state}`, () => {
    const found = plan(storage, facts);
    assert.deepEqual(found.actions, actions);
    assert.equal(found.volume.state, state);
  });
}

test('a refusal names the claim, the field and the way back', () => {
  const shrink = plan({ size: '5Gi' }, { requested: '10Gi', capacity: '10Gi' });
  assert.deepEqual([shrink.condition.status, shrink.condition.reason], ['False', 'Refused']);
  assert.match(
    shrink.condition.message,
    /^data-chat-nats-0: the volume has 10Gi, .*set spec\.nats\.managed\.storage\.size back to 10Gi/,
  );
  const other = plan({ size: '10Gi', storageClassName: 'slow' }, { requested: '10Gi', capacity: '10Gi' });
  assert.deepEqual(other.actions, [], 'a volume with data is never given up');
  assert.match(other.condition.message, /set spec\.nats\.managed\.storage\.storageClassName back to fast/);
  const message = 'quota of the backend';
  const conditions = [{ type: 'ControllerResizeError', message }];
  const failed = plan({ size: '20Gi' }, { requested: '20Gi', capacity: '10Gi', conditions });
  assert.match(failed.condition.message, /stays at 10Gi: quota of the backend; .*size back to 10Gi/);
});

test('before there is a volume, class and size are corrected: StatefulSet and claim are made again', () => {
  const typo = { requested: '10Gi', className: 'fsat' };
  assert.deepEqual(plan({ size: '10Gi', storageClassName: 'fast' }, typo, setOf('10Gi', 'fsat')).actions, [
    'replace',
    'release',
  ]);
  assert.deepEqual(plan(undefined, typo, setOf('10Gi', 'fsat')).actions, ['replace', 'release']);
  assert.deepEqual(
    plan({ size: '10Gi', storageClassName: 'fast' }, typo).actions,
    ['release'],
    'a claim that an earlier cluster left',
  );
  assert.deepEqual(plan({ size: '10Gi' }, { requested: '10Gi' }, setOf('10Gi')).actions, []);
});

test('NATS is configured for the volume that it has', () => {
  const real = (storage: StorageSettings | undefined, facts: ClaimFacts) => {
    const effective = effectiveSpec(specOf(storage), operator);
    const { nats } = atRealSizes(effective, [claim(facts)]);
    assert.ok(nats.kind === 'managed');
    return { size: nats.storage.size, bytes: natsCapacity(nats).maxFileStore };
  };
  const wanted = { size: '20Gi' };
  assert.deepEqual(real(wanted, { requested: '10Gi', capacity: '10Gi' }), {
    size: '10Gi',
    bytes: Math.floor(10 * 2 ** 30 * 0.9),
  });
  assert.equal(real(wanted, { requested: '20Gi', capacity: '10Gi' }).size, '10Gi', 'not before it has grown');
  assert.equal(
    real(wanted, { requested: '20Gi', capacity: '20480Mi' }).size,
    '20Gi',
    'as the spec writes it',
  );
  assert.equal(
    real(wanted, { requested: '20Gi', capacity: '1Ti' }).size,
    '20Gi',
    'a shared volume is larger',
  );
  assert.equal(
    real({ size: '5Gi' }, { requested: '10Gi', capacity: '10Gi' }).size,
    '10Gi',
    'it cannot shrink',
  );
  assert.equal(real(undefined, { requested: '100Gi', capacity: '100Gi' }).size, '100Gi');
  assert.equal(real(wanted, { requested: '10Gi' }).size, '20Gi', 'without a volume');
});
