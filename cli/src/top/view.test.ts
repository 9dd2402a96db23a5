import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Figures, ProcessFigures } from './figures.ts';
import { afterKey, screen, type View } from './view.ts';

function process(name: string, more: Partial<ProcessFigures> = {}): ProcessFigures {
  return {
    ...{ process: name, roles: ['gateway'], state: 'ready', cpuPercent: 12.34, rssBytes: 300 * 2 ** 20 },
    ...{ eventLoopDelayMs: 3, connections: 12_345, users: 12_000, sendsPerSecond: 4.25 },
    ...{ pushesPerSecond: 1_234.5, refusalsPerSecond: 0, lagRecords: null },
    ...more,
  };
}

function figures(processes: readonly ProcessFigures[]): Figures {
  const rates = { sendsPerSecond: 10, pushesPerSecond: 20, refusalsPerSecond: 0.5 };
  return {
    ...{ time: '2026-01-01T10:20:30.000Z', seconds: 2, processes, problems: [], tenantsOmitted: 0 },
    totals: { processes: processes.length, connections: 24_690, ...rates, lagRecords: 7 },
    tenants: [{ tenant: 'acme', gateways: 2, users: 5, connections: 6, ...rates }],
  };
}

const VIEW: View = { subject: 'processes', sort: 'connections', offset: 0 };
const LONG = 'production-chat-gateway-7d9f8c6b5d-abcde-of-a-very-long-name';
const rows = (given: Figures, view: View, width: number, height?: number) =>
  screen(given, view, 'im/chat', { width, height }).lines;

describe('a screen', () => {
  test('has every column at 200 columns, and those that matter at 80, none of its lines longer', () => {
    const given = figures([process(LONG), process('b', { connections: 99_999 })]);
    const wide = rows(given, VIEW, 200);
    assert.deepEqual(wide, [
      'im/chat  10:20:30Z, 2 processes, rates over 2 s',
      '24,690 connections, 10 messages/s in, 20 out, 0.5 refused/s, 7 waiting in the log',
      '',
      'PROCESS                                                       ROLES    CPU %   MEMORY  CONNS*   USERS  IN/S  OUT/S  REFUSED/S  LAG  LOOP MS  STATE',
      'b                                                             gateway     12  300 MiB  99,999  12,000   4.3  1,235          0    -        3  ready',
      `${LONG}  gateway     12  300 MiB  12,345  12,000   4.3  1,235          0    -        3  ready`,
    ]);
    const narrow = rows(given, VIEW, 80);
    assert.ok(narrow.every(({ length }) => length <= 80));
    assert.match(narrow[3] ?? '', /^PROCESS +CPU % +MEMORY +CONNS\* +IN\/S +OUT\/S +REFUSED\/S +LAG$/);
    assert.match(narrow[5] ?? '', /^production-chat-gateway…/);
    assert.ok(rows(given, VIEW, 20).every(({ length }) => length <= 20));
  });

  test('fills its height, and says how much is out of sight', () => {
    const given = figures(Array.from({ length: 30 }, (_, i) => process(`p${String(i).padStart(2, '0')}`)));
    const { lines, page } = screen(given, { ...VIEW, offset: 5 }, 'im/chat', { width: 80, height: 24 });
    assert.equal(lines.length, 24);
    assert.match(lines[4] ?? '', /^p05 /);
    assert.equal(lines.at(-2), `and ${30 - 5 - page} more`);
    assert.match(lines.at(-1) ?? '', /^q quit/);
    assert.equal(rows(figures([process('a')]), VIEW, 80, 24).length, 24);
  });

  test('lists tenants, and shows no control characters of others', () => {
    const given = { ...figures([]), problems: ['a: \x1b[31mno answer\r\n'] };
    const lines = rows(given, { ...VIEW, subject: 'tenants' }, 80);
    assert.equal(lines[2], '! a: ?[31mno answer??');
    assert.match(lines.at(-1) ?? '', /^acme +2 +6 +5 +10 +20 +0.5$/);
  });

  test('marks the tenant of the prober', () => {
    const [tenant] = figures([]).tenants;
    assert.ok(tenant);
    const given = { ...figures([]), tenants: [{ ...tenant, tenant: 'openim-probe' }] };
    const lines = rows(given, { ...VIEW, subject: 'tenants' }, 80);
    assert.match(lines.at(-1) ?? '', /^openim-probe \(prober\) +2 +6 +5 +10 +20 +0.5$/);
  });
});

test('keys choose what is shown, and end it', () => {
  const press = (keys: string[], from = VIEW) =>
    keys.reduce<View | undefined>((view, key) => view && afterKey(view, key, 10, 25), from);
  assert.deepEqual(press(['\t', 'i']), { subject: 'tenants', sort: 'in', offset: 0 });
  assert.deepEqual(press(['t', 'p', 'u']), { subject: 'processes', sort: 'cpu', offset: 0 });
  assert.equal(press(['\x1b[B', 'j', 'k'])?.offset, 1);
  assert.equal(press([' ', ' ', ' '])?.offset, 15, 'no further than the last page');
  assert.equal(press(['\x1b[A'])?.offset, 0);
  assert.equal(press(['x']), VIEW);
  for (const key of ['q', '\x03']) assert.equal(press([key]), undefined);
});
