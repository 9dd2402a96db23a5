import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControllerRevision } from '@im/kube';
import { desiredInput } from '../../../test/desired-fixture.ts';
import type { OpenIMClusterSpec } from '../../gen/openimcluster.ts';
import { effectiveSpec } from '../../resources/effective.ts';
import { REVISION_HASH_LABEL } from '../../resources/names.ts';
import {
  controllerRevision,
  type Revision,
  type RevisionContent,
  revisionOf,
  TEMPLATE_VERSION,
  type TemplateVersion,
} from '../../resources/revision.ts';
import { makeCredentials } from '../../resources/stores/credentials.ts';
import { fixedMounts, type ObservedMounts } from '../../resources/workloads.ts';
import { desiredObjects } from './create.ts';
import {
  currentRevision,
  keptRevisions,
  NO_HISTORY,
  type RevisionHistory,
  runningImages,
  templateVersionFor,
  wantedRevision,
} from './revisions.ts';

const owner = { namespace: 'im', name: 'chat', uid: 'u' };
const credentials = makeCredentials();
const OPERATOR = { version: '1.0.0', image: 'openim/openim-operator:1.0.0' };
const EXTERNAL: OpenIMClusterSpec = {
  mongodb: { external: { uriSecretRef: { name: 'mongo' } } },
  redis: { external: { uriSecretRef: { name: 'redis' } } },
};

interface Given {
  readonly spec?: OpenIMClusterSpec;
  readonly mongodbUri?: string;
  readonly redisUri?: string;
  readonly history?: RevisionHistory;
  readonly templateVersion?: TemplateVersion;
}

function desired({ spec, mongodbUri = 'mongodb://right', redisUri = 'redis://right', ...given }: Given = {}) {
  const effective = effectiveSpec({ ...EXTERNAL, ...spec }, OPERATOR);
  const external = { mongodbUri, redisUri };
  const made = desiredObjects(desiredInput({ owner, effective, credentials, external, ...given }));
  const object = made.base.find(({ kind }) => kind === 'ControllerRevision') as ControllerRevision;
  const hash = object.metadata?.labels?.[REVISION_HASH_LABEL] ?? '';
  return { ...made, revision: { hash, content: object.data as RevisionContent } };
}

type Made = ReturnType<typeof desired>;

/** The history after these revisions were recorded, in this order, the Secrets of all of which exist. */
function recorded(...all: readonly (Made & { completed?: boolean })[]): RevisionHistory {
  let revisions: readonly Revision[] = [];
  for (const [i, { revision, completed = true }] of all.entries()) {
    const object = wantedRevision(owner, revision.hash, revision.content, revisions);
    const annotations: Record<string, string> = completed
      ? { 'openim.io/completed-at': new Date(i * 1_000).toISOString() }
      : {};
    const metadata = {
      ...object.metadata,
      name: object.metadata?.name ?? '',
      annotations,
      uid: '',
      resourceVersion: '',
    };
    const stored = { ...object, metadata } as Parameters<typeof revisionOf>[0];
    const read = revisionOf(stored) ?? assert.fail('it can be read back');
    revisions = [read, ...revisions.filter(({ hash }) => hash !== read.hash)];
  }
  const secrets = all.flatMap(({ base }) => base.filter(({ kind }) => kind === 'Secret'));
  const connections = new Map(secrets.map(({ metadata }) => [metadata?.name ?? '', {}]));
  return { ...NO_HISTORY, revisions, connections };
}

const rolesOf = ({ revision }: Made) => revision.content.roles;
const named = ({ base }: Made, name: string) =>
  base.find(({ metadata }) => metadata?.name === name) as
    | { data?: Record<string, string>; immutable?: boolean }
    | undefined;

test('a changed connection gets another immutable Secret; the one before stays as it is', () => {
  const first = desired();
  const before = rolesOf(first).rpc;
  const changed = desired({ mongodbUri: 'mongodb://wrong', history: recorded(first) });
  const after = rolesOf(changed).rpc;
  assert.notEqual(after.connection, before.connection);
  assert.equal(after.config, before.config, 'no setting in im.yaml changed');
  const decodedUri = (name: string, where: Made) =>
    Buffer.from(named(where, name)?.data?.['mongodb-uri'] ?? '', 'base64').toString();
  assert.equal(decodedUri(before.connection, first), 'mongodb://right');
  assert.equal(decodedUri(after.connection, changed), 'mongodb://wrong');
  assert.equal(named(changed, after.connection)?.immutable, true);
  assert.equal(named(changed, before.connection), undefined, 'not applied again');
  assert.ok(
    changed.kept.some(({ metadata }) => metadata?.name === before.connection),
    'not pruned',
  );
  assert.equal(
    named(changed, after.connection)?.data?.['rpc-key'],
    undefined,
    'the key changes while it is mounted',
  );
});

test('a startup setting gets another ConfigMap, and live settings reach the ones before', () => {
  const first = desired({ spec: { mongodb: { ...EXTERNAL.mongodb, database: 'one' } } });
  const spec: OpenIMClusterSpec = {
    mongodb: { ...EXTERNAL.mongodb, database: 'two' },
    logLevel: 'debug',
    limits: { userCommands: 7 },
  };
  const changed = desired({ spec, history: recorded(first) });
  const [before, after] = [rolesOf(first).rpc.config, rolesOf(changed).rpc.config];
  assert.notEqual(after, before);
  const text = (name: string) => named(changed, name)?.data?.['im.yaml'] ?? '';
  assert.match(text(before), /database: one/);
  assert.match(text(after), /database: two/);
  for (const name of [before, after]) {
    assert.match(text(name), /level: debug/);
    assert.match(text(name), /userCommands: 7/);
  }
  assert.equal(changed.configHashes.size >= 1, true);
});

test('roles that do not read a changed setting keep what they mount', () => {
  const first = desired();
  const changed = desired({ mongodbUri: 'mongodb://other', history: recorded(first) });
  assert.deepEqual(rolesOf(changed).gateway, rolesOf(first).gateway, 'gateways read nothing of MongoDB');
  assert.notDeepEqual(rolesOf(changed).cron, rolesOf(first).cron);
  const spec = { objectStorage: { bucket: 'other' } };
  const again = desired({ mongodbUri: 'mongodb://other', spec, history: recorded(first, changed) });
  assert.notDeepEqual(rolesOf(again).cron, rolesOf(changed).cron);
  assert.deepEqual(rolesOf(again).push, rolesOf(changed).push);
  assert.deepEqual(rolesOf(again).gateway, rolesOf(first).gateway);
});

test('equal specs have one revision, and a live setting makes none', () => {
  assert.equal(desired().revision.hash, desired().revision.hash);
  const first = desired();
  const live = desired({ spec: { logLevel: 'debug', rpc: { replicas: 7 } }, history: recorded(first) });
  assert.equal(live.revision.hash, first.revision.hash);
  const image = desired({ spec: { image: 'im:2' }, history: recorded(first) });
  assert.notEqual(image.revision.hash, first.revision.hash);
});

test('setting the spec back reuses its revision and makes it the newest', () => {
  const first = desired();
  const second = desired({ spec: { image: 'im:2' }, history: recorded(first) });
  const history = recorded(first, second);
  const back = desired({ history });
  assert.equal(back.revision.hash, first.revision.hash);
  const manifest = wantedRevision(owner, back.revision.hash, back.revision.content, history.revisions);
  assert.equal(manifest.revision, 3);
  assert.deepEqual(manifest.data, controllerRevision(owner, { ...first.revision, number: 1 }).data);
  const same = wantedRevision(owner, second.revision.hash, second.revision.content, history.revisions);
  assert.equal(same.revision, 2, 'the newest keeps its number');
});

test('images in force are those of the newest complete revision, not those of status', () => {
  const first = desired({ spec: { image: 'im:1' } });
  const second = { ...desired({ spec: { image: 'im:2' } }), completed: false };
  const status = { image: 'im:9', version: '9.0.0' };
  assert.equal(runningImages(recorded(first, second).revisions, status)?.image, 'im:1');
  assert.equal(runningImages(recorded(second).revisions, status)?.image, 'im:2', 'none is complete');
  assert.equal(runningImages([], status), status, 'a cluster of the version before');
  assert.equal(currentRevision(recorded(first, second).revisions)?.hash, first.revision.hash);
});

test('three revisions are kept, and the current one, and those that pods mount', () => {
  const images = ['im:1', 'im:2', 'im:3', 'im:4', 'im:5', 'im:6'];
  const all = images.map((image) => desired({ spec: { image } }));
  const imagesOf = (history: RevisionHistory) =>
    keptRevisions(history).map(({ content }) => content.effective.image);
  assert.deepEqual(imagesOf(recorded(...all)), ['im:6', 'im:5', 'im:4']);
  const stuck = recorded(...all.map((each, i) => ({ ...each, completed: i === 0 })));
  assert.deepEqual(imagesOf(stuck), ['im:6', 'im:5', 'im:4', 'im:1']);
  const other = desired({ mongodbUri: 'mongodb://first' });
  const mounted: ObservedMounts[] = [{ role: 'rpc', ...rolesOf(other).rpc }];
  const history = { ...recorded(other, ...all), mounted };
  assert.deepEqual(keptRevisions(history).at(-1)?.hash, other.revision.hash);
});

test('the template version changes with the image only', () => {
  const fixed: ObservedMounts = { role: 'rpc', restartHash: 'x', ...fixedMounts(owner) };
  const old = { ...NO_HISTORY, mounted: [fixed] };
  assert.equal(templateVersionFor(owner, NO_HISTORY, 'im:1', undefined), TEMPLATE_VERSION, 'a new cluster');
  assert.equal(templateVersionFor(owner, old, 'im:1', 'im:1'), 1, 'one of the version before');
  assert.equal(templateVersionFor(owner, old, 'im:2', 'im:1'), TEMPLATE_VERSION);
  const one = desired({ templateVersion: 1 });
  const history = recorded(one);
  assert.equal(templateVersionFor(owner, history, OPERATOR.image, undefined), 1);
  assert.equal(templateVersionFor(owner, history, 'im:2', undefined), TEMPLATE_VERSION);
});

test('pods of template version 1 keep their settings while version 2 rolls out', () => {
  const fixed = fixedMounts(owner);
  const one = desired({ templateVersion: 1, spec: { mongodb: { ...EXTERNAL.mongodb, database: 'one' } } });
  assert.deepEqual(rolesOf(one).rpc.config, fixed.config);
  const encodedUri = named(one, fixed.connection)?.data?.['mongodb-uri'] ?? '';
  const observed = { 'mongodb-uri': Buffer.from(encodedUri, 'base64').toString(), 'rpc-key': 'former' };
  const two = desired({
    spec: { image: 'im:2', mongodb: { ...EXTERNAL.mongodb, database: 'two' }, logLevel: 'debug' },
    mongodbUri: 'mongodb://wrong',
    history: { ...recorded(one), connections: new Map([[fixed.connection, observed]]) },
  });
  const text = named(two, fixed.config)?.data?.['im.yaml'] ?? '';
  assert.match(text, /database: one/);
  assert.match(text, /level: debug/);
  const data = named(two, fixed.connection)?.data ?? {};
  assert.equal(data['mongodb-uri'], encodedUri);
  assert.equal(
    Buffer.from(data['rpc-key'] ?? '', 'base64').toString(),
    credentials.rpcKey,
    'the key is live',
  );
  assert.notEqual(rolesOf(two).rpc.config, fixed.config);
});

test('without records, what a workload mounts is kept while its startup settings are the same', () => {
  const first = desired();
  const mounted: ObservedMounts[] = [{ role: 'rpc', ...rolesOf(first).rpc, config: 'chat-config-older' }];
  const found = desired({ history: { ...recorded(first), revisions: [], mounted } });
  assert.equal(rolesOf(found).rpc.config, 'chat-config-older');
});
