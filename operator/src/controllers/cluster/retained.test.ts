import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingMarks } from './retained.ts';

const SYNC = 'argocd.argoproj.io/sync-options';
const COMPARE = 'argocd.argoproj.io/compare-options';

test('an object gets the label of its cluster and is kept by GitOps tools; with all marks nothing is missing', () => {
  const marks = missingMarks({}, 'chat');
  assert.deepEqual(marks, {
    labels: { 'openim.io/cluster': 'chat' },
    annotations: { [SYNC]: 'Prune=false', [COMPARE]: 'IgnoreExtraneous' },
  });
  assert.equal(missingMarks(marks, 'chat'), undefined);
});

test('options of others stay, and a choice of the user is not overridden', () => {
  const labels = { 'openim.io/cluster': 'chat' };
  const annotations = { [SYNC]: 'Delete=false', [COMPARE]: 'IgnoreExtraneous' };
  assert.deepEqual(missingMarks({ labels, annotations }, 'chat'), {
    annotations: { [SYNC]: 'Delete=false,Prune=false' },
  });
  assert.equal(
    missingMarks({ labels, annotations: { ...annotations, [SYNC]: 'Prune=true' } }, 'chat'),
    undefined,
  );
});
