import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TenantId } from '@im/contract';
import { encode, make } from '@im/protocol';
import { msgRows, objectRepo, userRepo } from '@im/store';
import { as, describeDomain, refuses, TENANTS } from '@im/testing';
import { thirdService } from '../src/index.ts';

/** The second one has its own database. */
const [tenant, other] = TENANTS;
const domain = describeDomain(thirdService);

/** Rows of one page, and some more. */
const MESSAGES = 2_450;

async function fill(of: TenantId): Promise<void> {
  const users = ['a', 'b', 'c'].map((userID) => ({
    ...{ userID, nickname: `${userID} of ${of}`, faceURL: '', ex: '' },
    ...{ createTime: 1, appMangerLevel: 1, globalRecvMsgOpt: 0 },
  }));
  await userRepo(domain.store).insert(of, users);
  const rows = msgRows(domain.store);
  for (let from = 1; from <= MESSAGES; from += 350) {
    const batch = Array.from({ length: 350 }, (_, i) => {
      const seq = from + i;
      const content = Buffer.from(JSON.stringify({ content: `${of} ${seq}` }));
      return {
        ...{ tenant: of, conversationID: 'si_a_b', seq, dedupKey: Buffer.alloc(16), position: seq },
        msgData: encode(
          'sdkws.MsgData',
          make('sdkws.MsgData', { sendID: 'a', recvID: 'b', content, sendTime: seq }),
        ),
        ...{ sendID: 'a', recvID: 'b', contentType: 101, sendTime: seq, logTime: seq },
      };
    });
    for (const { kind } of await rows.insert(batch)) assert.equal(kind, 'stored');
  }
  await objectRepo(domain.store).put(of, {
    ...{ name: 'a/pic', userID: 'a', hash: 'h', key: 'k', size: 5, contentType: 'image/png', group: '' },
    createTime: 7,
  });
}

/** All lines of a kind, page by page, and how many pages there were. */
async function exported(of: TenantId, kind: string, since = 0) {
  const lines: Record<string, unknown>[] = [];
  const positions = new Set<string>();
  let pages = 0;
  for (let after = ''; ; ) {
    const request = make('third.GetTenantExportReq', { kind, after, since });
    const { entries, next } = await domain.third.getTenantExport(as(of, 'imAdmin', true), request);
    pages++;
    for (const { json, position } of entries) {
      lines.push(JSON.parse(json));
      assert.ok(!positions.has(position), 'a line comes once');
      positions.add(position);
    }
    if (next === '') return { lines, pages, positions: [...positions] };
    after = next;
  }
}

test('everything is read once by pages in both placements, and nothing of another tenant', async () => {
  for (const each of [tenant, other]) await fill(each);
  for (const each of [tenant, other]) {
    const { lines, pages, positions } = await exported(each, 'message');
    assert.deepEqual(
      lines.map(({ seq, content }) => [seq, JSON.parse(String(content)).content]),
      Array.from({ length: MESSAGES }, (_, i) => [i + 1, `${each} ${i + 1}`]),
    );
    assert.ok(pages >= 13, `${pages} pages`);
    assert.partialDeepStrictEqual(lines[0], {
      conversationID: 'si_a_b',
      sendID: 'a',
      sendTime: 1,
      storedTime: 1,
    });
    // It goes on behind any line, as after an interruption.
    const request = make('third.GetTenantExportReq', {
      kind: 'message',
      after: positions[1_234] ?? '',
      since: 0,
    });
    const { entries } = await domain.third.getTenantExport(as(each, 'imAdmin', true), request);
    assert.equal(JSON.parse(entries[0]?.json ?? '{}').seq, 1_236);

    const users = await exported(each, 'user');
    assert.deepEqual(
      users.lines.filter(({ userID }) => userID !== 'imAdmin').map(({ nickname }) => nickname),
      ['a', 'b', 'c'].map((id) => `${id} of ${each}`),
    );
    assert.deepEqual(
      (await exported(each, 'object')).lines.map(({ name, size }) => [name, size]),
      [['a/pic', 5]],
    );
    for (const kind of ['group', 'member', 'friend', 'black', 'conversation'])
      assert.deepEqual((await exported(each, kind)).lines, [], kind);
  }
});

test('since leaves out what is older, and looks at no more than a page of keys at once', async () => {
  const { lines, pages } = await exported(tenant, 'message', MESSAGES - 9);
  assert.deepEqual(
    lines.map(({ seq }) => seq),
    Array.from({ length: 10 }, (_, i) => MESSAGES - 9 + i),
  );
  assert.equal(pages, 2);
  assert.equal((await exported(tenant, 'object', 8)).lines.length, 0);
});

test('administrators alone, and no kind with secrets', async () => {
  const ask = (kind: string, ctx = as(tenant, 'imAdmin', true)) =>
    domain.third.getTenantExport(ctx, make('third.GetTenantExportReq', { kind }));
  await refuses(1002, ask('user', as(tenant, 'a')));
  for (const kind of ['token', 'backend_token', 'push_token', '']) await refuses(1001, ask(kind));
});
