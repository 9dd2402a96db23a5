import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode, make } from './codec.ts';
import type * as sdkws from './gen/sdkws.ts';

test('a copy by make has the fields that have their default, and the type of a spread message lacks them', () => {
  const received = decode('sdkws.MsgData', encode('sdkws.MsgData', make('sdkws.MsgData', { sendID: 'a' })));
  const copy: sdkws.MsgData = make('sdkws.MsgData', { ...received, seq: 7 });
  assert.deepEqual([copy.sendID, copy.recvID, copy.status, copy.seq], ['a', '', 0, 7]);
  // @ts-expect-error: properties are missing.
  const spread: sdkws.MsgData = { ...received };
  assert.equal(spread.status, undefined);
});
