import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTenants } from './tenant-entries.ts';

const of = (notifications: object) =>
  checkTenants([{ id: 'a', tokenSecret: 't', adminSecret: 's', notifications }]);

test('notifications are set by name or content type', () => {
  const { valid } = of({ groupCreated: { isSendMsg: false }, 1510: { reliabilityLevel: 2 } });
  assert.deepEqual(valid[0]?.notifications, { 1501: { isSendMsg: false }, 1510: { reliabilityLevel: 2 } });
});

test('one that is listed twice, or has no such name, is refused by name', () => {
  const faults = (notifications: object) => of(notifications).invalid[0]?.faults;
  assert.deepEqual(faults({ groupCreated: {}, 1501: {} }), [
    {
      field: 'notifications.groupCreated',
      reason: 'is the same notification as 1501; remove one of the two',
    },
  ]);
  const [fault] = faults({ toString: {} }) ?? [];
  assert.equal(fault?.field, 'notifications.toString');
  assert.match(fault?.reason ?? '', /^must be the name of a notification, such as groupCreated, or/);
});
