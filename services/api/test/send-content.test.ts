import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN } from './harness.ts';
import { TEXT, withSend } from './send-harness.ts';

const PICTURE = { type: 'png', width: 1, height: 1, url: 'http://x/a.png' };
const good: [number, object][] = [
  [101, { content: 'x' }],
  [101, { CONTENT: 'x' }],
  [118, { content: '# x' }],
  [102, { sourcePicture: PICTURE, bigPicture: PICTURE, snapshotPicture: { ...PICTURE, size: '12' } }],
  [103, { sourceUrl: 'http://x', duration: '2' }],
  [
    104,
    {
      videoUrl: 'u',
      videoType: 'mp4',
      videoSize: 1,
      duration: 1,
      snapshotUrl: 's',
      snapshotWidth: 1,
      snapshotHeight: 1,
    },
  ],
  [105, { sourceUrl: 'u', fileName: 'f', fileSize: 1 }],
  [106, { atUserList: ['u1'] }],
  [110, { data: 5 }],
  [114, { text: 't', quoteMessage: { anything: 1 } }],
];
for (const [contentType, content] of good) {
  test(`content ${contentType} ${JSON.stringify(content).slice(0, 40)} may be sent`, async () => {
    await using api = await withSend();
    const { json } = await api.post('/msg/send_msg', { ...TEXT, contentType, content }, ADMIN);
    assert.deepEqual([json.errCode, json.errDlt], [0, '']);
  });
}

const bad: [number, object][] = [
  [101, {}],
  [101, { content: '' }],
  [101, { content: { a: 1 } }],
  [102, { sourcePicture: PICTURE, bigPicture: PICTURE }],
  [102, { sourcePicture: PICTURE, bigPicture: PICTURE, snapshotPicture: { ...PICTURE, width: 0 } }],
  [102, { sourcePicture: 'x', bigPicture: PICTURE, snapshotPicture: PICTURE }],
  [103, { sourceUrl: 'http://x', duration: 0 }],
  [103, { sourceUrl: 'http://x', duration: 'long' }],
  [104, { videoUrl: 'u' }],
  [105, { sourceUrl: 'u', fileName: 'f' }],
  [106, { text: 'x' }],
  [106, { atUserList: Array.from({ length: 1_001 }, (_, i) => `u${i}`) }],
  [106, { atUserList: 'u1' }],
  [110, { description: 'x' }],
];
for (const [contentType, content] of bad) {
  test(`content ${contentType} ${JSON.stringify(content).slice(0, 60)} is refused by name of the field`, async () => {
    await using api = await withSend();
    const { status, json } = await api.post('/msg/send_msg', { ...TEXT, contentType, content }, ADMIN);
    assert.deepEqual([status, json.errCode, json.errMsg], [200, 1001, 'ArgsError']);
    assert.match(json.errDlt, /^content\./);
    assert.equal(api.sent.length, 0);
  });
}

test('a content type that may not be sent is refused without detail', async () => {
  await using api = await withSend();
  for (const contentType of [100, 107, 113, 119, 1501, 2101, 2200]) {
    const { status, json } = await api.post('/msg/send_msg', { ...TEXT, contentType }, ADMIN);
    assert.deepEqual([status, json.errCode, json.errDlt], [200, 1001, ''], String(contentType));
  }
});

for (const [name, change] of [
  ['no sender', { sendID: '' }],
  ['no content', { content: null }],
  ['a content that is text', { content: 'hello' }],
  ['a content that is a list', { content: [] }],
  ['no content type', { contentType: 0 }],
  ['no session type', { sessionType: 0 }],
  ['no receiver', { recvID: '' }],
  ['no group', { sessionType: 3 }],
  ['a sender that is a number', { sendID: 5 }],
  ['a receiver with a control character', { recvID: 'a\u0000' }],
] as const) {
  test(`send_msg with ${name} is status 400 and 1001`, async () => {
    await using api = await withSend();
    const { status, json } = await api.post('/msg/send_msg', { ...TEXT, ...change }, ADMIN);
    assert.deepEqual([status, json.errCode], [400, 1001]);
    assert.equal(api.sent.length, 0);
  });
}

test('a content that nests without end is refused', async () => {
  await using api = await withSend();
  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
  const body = `{"sendID":"u1","recvID":"u2","contentType":110,"sessionType":1,"content":{"data":"x","deep":${deep}}}`;
  assert.equal((await api.post('/msg/send_msg', body, ADMIN)).json.errCode, 1001);
});
