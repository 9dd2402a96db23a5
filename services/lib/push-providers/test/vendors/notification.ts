import type { Notification } from '../../src/index.ts';

/** A notification with everything. */
export const NOTIFICATION: Notification = {
  tenant: 't1',
  operationID: 'op',
  title: 'Ann',
  body: 'Hello',
  sound: 'default',
  ttlSeconds: 3_600,
  collapseID: 'Abc_-1234567890x',
  id: '0123456789abcdef0123456789abcdef',
  data: { conversationID: 'si_a_b', ex: '{"k":1}' },
};
