import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { DOMAINS, type IdempotencyLevel, idempotencyOf, serviceMethods } from './services.ts';

const methods = DOMAINS.flatMap((domain) =>
  serviceMethods(domain).map(({ name, idempotency }) => ({ name, label: `${domain}.${name}`, idempotency })),
);

function labels(level: IdempotencyLevel): string[] {
  return methods.filter(({ idempotency }) => idempotency === level).map(({ label }) => label);
}

/** How reads are usually called. */
const READ = /^(get|batchGet|page|search|pull|parse|is|account|access)(?=[A-Z])/;

/** Named like reads, and not reads: each call issues a token. */
const ISSUING = ['auth.getAdminToken', 'auth.getUserToken'];

/**
 * Reads with other names. Those with a mark were taken for writes as long as calls were distinguished by their names: they
 * failed, where they are now sent again, when a connection broke.
 */
const OTHER_READS = [
  'user.processUserCommandGet', // *
  'user.processUserCommandGetAll', // *
  'user.userRegisterCount', // *
  'group.groupCreateCount', // *
  'third.partLimit',
  'third.partSize',
  'third.authSign',
];

test('a method named like a read says that it has no side effects, others do not', () => {
  const named = methods.filter(({ name }) => READ.test(name)).map(({ label }) => label);
  const expected = [...named, ...OTHER_READS].filter((label) => !ISSUING.includes(label));
  assert.deepEqual(labels('NO_SIDE_EFFECTS').toSorted(), expected.toSorted());
});

test('the only writes that may be repeated are sends and reports, which have a key of their own, and what asks for a state', () => {
  assert.deepEqual(labels('IDEMPOTENT').toSorted(), [
    'auth.useConsoleSession',
    'msg.cancelBroadcast',
    'msg.sendMsg',
    'msg.sendMsgs',
    'msg.startBroadcast',
    'user.countRefusals',
    'user.gatewayHeartbeat',
    'user.reportPresence',
  ]);
});

test('every other method changes something, so its name is not that of a read', () => {
  const change =
    /^(create|set|add|ban|unban|del|remove|import|apply|respond|update|kick|invite|join|quit|dismiss|mute|cancel|transfer|revoke|mark|clear|force|register|replay|run|send|verify|test|upload|initiate|complete|fcm|subscribe|grant)|(Changed|Response|Register|ClearAllMsg|Notification|Command(Add|Delete|Update))$/;
  for (const label of labels('IDEMPOTENCY_UNKNOWN'))
    assert.ok(ISSUING.includes(label) || change.test(label.split('.')[1] ?? ''), label);
});

test('a level that protobuf does not have is refused', () => {
  const method = new protobuf.Method('getFoo', 'rpc', 'Req', 'Resp', false, false, {
    idempotency_level: 'SAFE',
  });
  assert.throws(() => idempotencyOf(method), /idempotency_level SAFE does not exist/);
});
