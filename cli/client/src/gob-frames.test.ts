import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gobFrames } from './gob-frames.ts';

const PREFIX =
  '60ff83030101045265737001ff84000106010d5265714964656e74696669657201040001074d7367496e6372010c00010b4f7065726174696f6e4944010c000107457272436f646501040001064572724d7367010c00010444617461010a000000';

test('a request is framed as the Go client frames it', () => {
  const frame = gobFrames.encode({
    reqIdentifier: 1001,
    msgIncr: 'u1_1',
    operationID: 'op1',
    sendID: 'u1',
    data: Buffer.from('0a027531', 'hex'),
  });
  assert.equal(
    Buffer.from(frame).toString('hex'),
    '657f0301010c47656e6572616c577352657101ff80000106010d5265714964656e7469666965720104000105546f6b656e010c00010653656e644944010c00010b4f7065726174696f6e4944010c0001074d7367496e6372010c00010444617461010a0000001cff8001fe07d20202753101036f7031010475315f3101040a02753100',
  );
});

test('responses, errors, kicks and pushes are read', () => {
  const read = (value: string) => gobFrames.decode(Buffer.from(PREFIX + value, 'hex'));
  assert.deepEqual(read('16ff8401fe07d2010475315f3101036f703103020a0000'), {
    reqIdentifier: 1001,
    msgIncr: 'u1_1',
    operationID: 'op1',
    errCode: 0,
    errMsg: '',
    data: Buffer.from('0a00', 'hex'),
  });
  const error = read(
    '25ff8401fe07d6010475315f3101036f703101fe0a2c010d426c6f636b65644279506565720 0'.replace(' ', ''),
  );
  assert.deepEqual([error.reqIdentifier, error.errCode, error.errMsg], [1003, 1302, 'BlockedByPeer']);
  assert.equal(read('07ff8401fe0fa400').reqIdentifier, 2002);
  const push = read(`fe013cff8401fe0fa202036f703103fe012c${'ab'.repeat(300)}00`);
  assert.deepEqual([push.reqIdentifier, push.operationID, push.data.length], [2001, 'op1', 300]);
  assert.equal(read('03ff8400').reqIdentifier, 0);
});

test('a truncated frame is an error', () => {
  const whole = Buffer.from(`${PREFIX}16ff8401fe07d2010475315f3101036f703103020a0000`, 'hex');
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => gobFrames.decode(whole.subarray(0, length)), RangeError, `${length} bytes`);
  }
});
