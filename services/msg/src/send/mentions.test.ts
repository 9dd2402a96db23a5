import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { CONTENT, type conversation, make, SESSION } from '@im/protocol';
import { eventually } from '@im/testing';
import { callBy } from '../../test/fakes.ts';
import { addMark, type Mark, MentionMarker, mentionsOf } from './mentions.ts';

const AT_ALL = 2;

function mentioning(sendID: string, ...atUserIDList: string[]) {
  const message = make('sdkws.MsgData', {
    sendID,
    groupID: 'g',
    contentType: CONTENT.AtText,
    sessionType: SESSION.Group,
    atUserIDList,
  });
  const mentions = mentionsOf(message);
  assert.ok(mentions);
  return mentions;
}

/** A marker whose calls wait until they are released. */
function heldMarker() {
  const calls: conversation.SetGroupAtTypeReq[] = [];
  const waiting: (() => void)[] = [];
  const log = silentLogger();
  const tasks = createTaskRunner({ log, metrics: createMetrics() });
  const client = {
    async setGroupAtType(_ctx: unknown, request: conversation.SetGroupAtTypeReq) {
      calls.push(request);
      await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
  const marker = new MentionMarker({ rpc: { client: () => client } as never, tasks, log });
  return { marker, calls, release: () => waiting.shift()?.(), tasks };
}

test('mentions of all members by many messages change the records of a group once more, not once each', async () => {
  const { marker, calls, release, tasks } = heldMarker();
  const senders = ['a', 'b', 'c', 'd', 'e'];
  for (const sender of senders) marker.set(callBy(sender), mentioning(sender, 'AtAllTag'));
  await eventually(() => assert.equal(calls.length, 1));
  assert.deepEqual(calls[0]?.exceptUserIDs, ['a']);
  marker.set(callBy('a'), mentioning('a', 'AtAllTag'));
  marker.set(callBy('a'), mentioning('a', 'AtAllTag'));
  assert.equal(calls.length, 1, 'never two at once for one group');
  release();
  await eventually(() => assert.equal(calls.length, 2));
  assert.deepEqual(calls[1]?.exceptUserIDs, [], 'each sender is marked by the messages of the others');
  release();
  await tasks.stop();
  assert.equal(calls.length, 2);
});

test('groups do not wait for each other, and a group can be marked again after its task has ended', async () => {
  const { marker, calls, release, tasks } = heldMarker();
  marker.set(callBy('a'), mentioning('a', 'u1'));
  marker.set(callBy('a'), { ...mentioning('a', 'u1'), groupID: 'other' });
  await eventually(() => assert.equal(calls.length, 2));
  release();
  release();
  await eventually(() => assert.equal(marker.size, 0));
  marker.set(callBy('a'), mentioning('a', 'u2'));
  await eventually(() => assert.equal(calls.length, 3));
  assert.deepEqual(calls[2]?.userIDs, ['u2']);
  release();
  await tasks.stop();
});

test('joined marks have the result of the single ones, and their number is bounded', () => {
  const marks: Mark[] = [];
  addMark(marks, { type: AT_ALL, only: [], except: ['a', 'x'] });
  addMark(marks, { type: AT_ALL, only: [], except: ['b', 'x'] });
  addMark(marks, { type: 1, only: ['u1'], except: [] });
  addMark(marks, { type: 1, only: ['u2', 'u1'], except: [] });
  addMark(marks, { type: AT_ALL, only: [], except: ['a'] });
  assert.deepEqual(marks, [
    { type: AT_ALL, only: [], except: ['x'] },
    { type: 1, only: ['u1', 'u2'], except: [] },
    { type: AT_ALL, only: [], except: ['a'] },
  ]);
  for (let i = 0; i < 500; i++) addMark(marks, { type: 1 + (i % 2), only: [`u${i}`], except: [] });
  assert.equal(marks.length, 100);
});

test('a joined mark names no more users than one message may', () => {
  const marks: Mark[] = [];
  for (let i = 0; i < 5; i++) {
    addMark(marks, { type: 1, only: Array.from({ length: 600 }, (_, n) => `u${i}-${n}`), except: [] });
  }
  assert.deepEqual(
    marks.map(({ only }) => only.length),
    [600, 600, 600, 600, 600],
  );
  addMark(marks, { type: 1, only: ['u4-0', 'another'], except: [] });
  assert.equal(marks.at(-1)?.only.length, 601);
});
