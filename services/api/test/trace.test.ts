import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { recordingTracer } from '@im/testing';
import { startApi } from './harness.ts';

test('a request is the first step of a trace, and its calls are steps of it', async () => {
  const tracing = recordingTracer();
  await using api = await startApi({ tracing });
  await api.post('/user/get_users_info', { userIDs: ['u1'] });
  const root = tracing.named('POST /user/get_users_info');
  const call = tracing.named('user.getDesignateUsers');
  assert.deepEqual([root.parent, root.tenant, call.parent], ['', 'default', root.traceparent]);
  assert.deepEqual([root.ended, root.error, call.ended], [true, undefined, true]);
  const { 'http.response.status_code': status, 'openim.operation_id': operationID } = root.attributes;
  assert.deepEqual([status, operationID], [200, 'op1']);
  assert.doesNotMatch(JSON.stringify(tracing.spans), /u1/, 'neither users nor tokens');
});

test('a refused request ends its step with the code', async () => {
  const tracing = recordingTracer();
  await using api = await startApi({ tracing });
  api.stub('user.getDesignateUsers', () => {
    throw new ImError(ERR.RecordNotFoundError);
  });
  await api.post('/user/get_users_info', { userIDs: ['u1'] });
  await api.post('/user/get_users_info', { userIDs: ['u1'] }, { token: 'wrong' });
  const codes = tracing.spans
    .filter(({ name }) => name.startsWith('POST '))
    .map(({ error, ended }) => [ended, error instanceof ImError && error.code]);
  assert.deepEqual(codes, [
    [true, ERR.RecordNotFoundError],
    [true, ERR.TokenNotExistError],
  ]);
});

test('log lines of a traced request name its trace', async () => {
  const tracing = recordingTracer();
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    level: 'debug',
    stream: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  await using api = await startApi({ tracing, log });
  await api.post('/user/get_users_info', { userIDs: ['u1'] });
  const answered = lines.find(({ msg }) => msg === 'answered');
  const [, traceID, spanID] = tracing.named('POST /user/get_users_info').traceparent.split('-');
  assert.deepEqual([answered?.trace_id, answered?.span_id], [traceID, spanID]);
  assert.equal(answered?.operationID, 'op1');
});

test('operations of administrators are traced by their paths as the router has them', async () => {
  const tracing = recordingTracer();
  await using api = await startApi({ tracing });
  await api.app.inject({ method: 'GET', url: '/admin/v1/users/u1', headers: { token: 'admin-token' } });
  await api.app.inject({ method: 'OPTIONS', url: '/user/get_users_info' });
  await api.app.inject({ method: 'GET', url: '/nowhere' });
  const roots = tracing.spans.filter(({ parent }) => parent === '').map(({ name }) => name);
  assert.deepEqual(roots, ['GET /admin/v1/users/:userID']);
  assert.ok(tracing.spans.every(({ ended }) => ended));
});
