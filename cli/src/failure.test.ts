import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError, EXIT } from './exit-codes.ts';
import { failureOf } from './failure.ts';

class ApiError extends Error {
  override readonly name = 'ApiError';
}

function exitCodeOf(error: unknown): number | undefined {
  const failure = failureOf(error);
  return failure instanceof CommandError ? failure.exitCode : undefined;
}

test('a refusal by the server and an unreachable server have separate exit codes', () => {
  assert.equal(exitCodeOf(new ApiError('/user/x: 1001 ArgsError')), EXIT.refused);
  assert.equal(exitCodeOf(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })), EXIT.unreachable);
  assert.equal(exitCodeOf(new Error('Unexpected server response: 404')), EXIT.unreachable);
  assert.equal(exitCodeOf(Object.assign(new Error('listen'), { code: 'EADDRINUSE' })), EXIT.environment);
});

test('a cause decides, and the outer text is kept', () => {
  const cause = Object.assign(new Error('listen EADDRINUSE: 127.0.0.1:10002'), { code: 'EADDRINUSE' });
  const failure = failureOf(new Error('cannot listen on 127.0.0.1:10002', { cause }));
  assert.ok(failure instanceof CommandError);
  assert.equal(failure.exitCode, EXIT.environment);
  assert.match(failure.message, /^cannot listen on 127\.0\.0\.1:10002: .*choose another port$/);
});

test('a refused connection to several addresses has a text', () => {
  const error = Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:1')]), {
    code: 'ECONNREFUSED',
  });
  assert.match((failureOf(error) as Error).message, /ECONNREFUSED ::1:1.*is the server up/);
});

test('a fault of the program itself stays what it is', () => {
  const fault = new TypeError('x is not a function');
  assert.equal(failureOf(fault), fault);
});
