import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERR, ImError, ROLE } from '@im/protocol';
import {
  type Operator,
  requireLeader,
  requireMayKick,
  requireMayMute,
  requireMaySetMember,
  requireMember,
  requireOwner,
  type Target,
} from './permissions.ts';

const admin: Operator = { userID: 'imAdmin', admin: true, member: undefined };
const outsider: Operator = { userID: 'x', admin: false, member: undefined };
const as = (roleLevel: number, userID = 'op'): Operator => ({
  userID,
  admin: false,
  member: { roleLevel, muteEndTime: 0 },
});
const owner = as(ROLE.Owner);
const leader = as(ROLE.Admin);
const plain = as(ROLE.Member);
const is = (roleLevel: number, userID = 'target'): Target => ({ userID, roleLevel });

/** 0 when allowed, else the code. */
function outcome(check: () => void): number {
  try {
    check();
    return 0;
  } catch (error) {
    assert.ok(error instanceof ImError);
    return error.code;
  }
}
const NO = ERR.NoPermissionError;
const ARGS = ERR.ArgsError;

describe('who may do what at all', () => {
  const cases: readonly [string, Operator, number, number, number][] = [
    ['administrator', admin, 0, 0, 0],
    ['owner', owner, 0, 0, 0],
    ['group admin', leader, NO, 0, 0],
    ['plain member', plain, NO, NO, 0],
    ['outsider', outsider, NO, NO, NO],
  ];
  for (const [name, operator, asOwner, asLeader, asMember] of cases) {
    test(name, () => {
      assert.equal(
        outcome(() => requireOwner(operator)),
        asOwner,
      );
      assert.equal(
        outcome(() => requireLeader(operator)),
        asLeader,
      );
      assert.equal(
        outcome(() => requireMember(operator)),
        asMember,
      );
    });
  }
});

describe('kick', () => {
  const cases: readonly [string, Operator, readonly string[], readonly Target[], number][] = [
    ['oneself', owner, ['op'], [is(ROLE.Owner, 'op')], ARGS],
    ['the owner, by an administrator', admin, ['t'], [is(ROLE.Owner, 't')], ARGS],
    ['the owner, by an outsider', outsider, ['t'], [is(ROLE.Owner, 't')], ARGS],
    ['who is no member', owner, ['t', 'u'], [is(ROLE.Member, 't')], ERR.UserIDNotFoundError],
    ['who is no member, by a plain member', plain, ['u'], [], ERR.UserIDNotFoundError],
    ['a member, by an outsider', outsider, ['t'], [is(ROLE.Member, 't')], NO],
    ['a member, by a plain member', plain, ['t'], [is(ROLE.Member, 't')], NO],
    ['a member, by a group admin', leader, ['t'], [is(ROLE.Member, 't')], 0],
    ['a group admin, by a group admin', leader, ['t'], [is(ROLE.Admin, 't')], NO],
    ['a group admin among members, by a group admin', leader, ['t', 'u'], [is(20, 't'), is(60, 'u')], NO],
    ['a group admin, by the owner', owner, ['t'], [is(ROLE.Admin, 't')], 0],
    ['a group admin, by an administrator', admin, ['t'], [is(ROLE.Admin, 't')], 0],
  ];
  for (const [name, operator, ids, members, expected] of cases) {
    test(name, () =>
      assert.equal(
        outcome(() => requireMayKick(operator, ids, members)),
        expected,
      ),
    );
  }
});

describe('mute', () => {
  const cases: readonly [string, Operator, number, number][] = [
    ['owner by administrator', admin, ROLE.Owner, 0],
    ['owner by owner', owner, ROLE.Owner, NO],
    ['group admin by owner', owner, ROLE.Admin, 0],
    ['group admin by group admin', leader, ROLE.Admin, NO],
    ['member by group admin', leader, ROLE.Member, 0],
    ['member by member', plain, ROLE.Member, NO],
    ['member by outsider', outsider, ROLE.Member, NO],
  ];
  for (const [name, operator, target, expected] of cases) {
    test(name, () =>
      assert.equal(
        outcome(() => requireMayMute(operator, is(target))),
        expected,
      ),
    );
  }
});

describe('member info and roles', () => {
  const cases: readonly [string, Operator, Target, number | null, number][] = [
    ['owner renames themself', owner, is(ROLE.Owner, 'op'), null, 0],
    ['owner lowers themself', owner, is(ROLE.Owner, 'op'), ROLE.Admin, NO],
    ['owner raises a member', owner, is(ROLE.Member), ROLE.Admin, 0],
    ['owner makes an owner', owner, is(ROLE.Member), ROLE.Owner, NO],
    ['owner gives a role that does not exist', owner, is(ROLE.Member), 40, ARGS],
    ['group admin renames a member', leader, is(ROLE.Member), null, 0],
    ['group admin renames a group admin', leader, is(ROLE.Admin), null, NO],
    ['group admin renames the owner', leader, is(ROLE.Owner), null, NO],
    ['group admin renames themself', leader, is(ROLE.Admin, 'op'), null, 0],
    ['group admin steps down', leader, is(ROLE.Admin, 'op'), ROLE.Member, 0],
    ['member renames themself', plain, is(ROLE.Member, 'op'), null, 0],
    ['member raises themself', plain, is(ROLE.Member, 'op'), ROLE.Admin, NO],
    ['member renames another', plain, is(ROLE.Member), null, NO],
    ['outsider renames a member', outsider, is(ROLE.Member), null, NO],
    ['administrator renames anybody', admin, is(ROLE.Owner), null, 0],
    ['administrator raises a member', admin, is(ROLE.Member), ROLE.Admin, 0],
    ['administrator lowers the owner', admin, is(ROLE.Owner), ROLE.Member, NO],
  ];
  for (const [name, operator, target, role, expected] of cases) {
    test(name, () =>
      assert.equal(
        outcome(() => requireMaySetMember(operator, target, role)),
        expected,
      ),
    );
  }
});
