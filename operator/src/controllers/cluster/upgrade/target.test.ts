import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stored } from '@im/kube';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import type { Revision } from '../../../resources/revision.ts';
import type { UpgradeRecord } from '../../../resources/upgrade-record.ts';
import { momentOf, rollbackOf, specKey } from './target.ts';

const spec = { image: 'openim:2' };
const FAILED_AT = Date.UTC(2026, 0, 1);
const cluster = (annotations: Readonly<Record<string, string>> = {}) =>
  ({ spec, metadata: { name: 'chat', annotations } }) as unknown as Stored<OpenIMCluster>;
const failure = {
  ...{ at: FAILED_AT, step: 'rpc', reason: 'PodsFailing', message: 'x', specKey: specKey(spec) },
};
const revision = (name: string, more: Partial<Revision> = {}) => ({ name, number: 1, ...more }) as Revision;
const old = revision('old', { completedAt: FAILED_AT + 60_000 });
const failed = revision('new', {
  completedAt: FAILED_AT - 60_000,
  upgrade: { from: 'old', startedAt: 1, steps: [], failure } as unknown as UpgradeRecord,
});

test('the revision before stays in force while the spec is the one whose upgrade failed', () => {
  assert.equal(rollbackOf(cluster(), [failed, old])?.to.name, 'old');
  const other = { ...cluster(), spec: { image: 'openim:3' } };
  assert.equal(rollbackOf(other, [failed, old]), undefined);
  const retried = { 'openim.io/retry-upgrade': momentOf('new', FAILED_AT) };
  assert.equal(rollbackOf(cluster(retried), [failed, old]), undefined);
});

test('a failure is over once the cluster has matched another revision than the one before', () => {
  const later = revision('later', { completedAt: FAILED_AT + 120_000 });
  assert.equal(rollbackOf(cluster(), [later, failed, old]), undefined);
  // What failed once, was tried again and has succeeded is not rolled back either.
  assert.equal(rollbackOf(cluster(), [{ ...failed, completedAt: FAILED_AT + 1 }, old]), undefined);
});
