import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTES } from '../src/routes/index.ts';
import { ADMIN, startApi } from './harness.ts';

/** Every route that users may call and that counts as a change; the first is asked without a user who could be counted. */
const CHANGES = [
  '/auth/get_admin_token',
  '/conversation/delete_conversations',
  '/conversation/set_conversations',
  '/conversation/update_conversations_by_user',
  '/friend/add_black',
  '/friend/add_friend',
  '/friend/add_friend_response',
  '/friend/delete_friend',
  '/friend/remove_black',
  '/friend/set_friend_remark',
  '/friend/update_friends',
  '/group/cancel_mute_group',
  '/group/cancel_mute_group_member',
  '/group/create_group',
  '/group/dismiss_group',
  '/group/group_application_response',
  '/group/invite_user_to_group',
  '/group/join_group',
  '/group/kick_group',
  '/group/mute_group',
  '/group/mute_group_member',
  '/group/quit_group',
  '/group/set_group_info',
  '/group/set_group_info_ex',
  '/group/set_group_member_info',
  '/group/transfer_group',
  '/msg/clear_conversation_msg',
  '/msg/delete_msgs',
  '/msg/mark_conversation_as_read',
  '/msg/mark_msgs_as_read',
  '/msg/revoke_msg',
  '/msg/set_conversation_has_read_seq',
  '/msg/user_clear_all_msg',
  '/object/complete_form_data',
  '/object/complete_multipart_upload',
  '/object/initiate_form_data',
  '/object/initiate_multipart_upload',
  '/third/del_push_token',
  '/third/fcm_update_token',
  '/third/logs/upload',
  '/third/set_app_badge',
  '/third/set_push_token',
  '/third/set_quiet_hours',
  '/user/process_user_command_add',
  '/user/process_user_command_delete',
  '/user/process_user_command_update',
  '/user/set_global_msg_recv_opt',
  '/user/subscribe_users_status',
  '/user/update_user_info',
  '/user/update_user_info_ex',
  '/verification/send_code',
  '/verification/verify_code',
];

test('what a user changes counts, what a user reads or sends does not', () => {
  const counted = ROUTES.filter(({ admin, changes }) => changes && !admin).map(({ path }) => path);
  assert.deepEqual(counted.toSorted(), CHANGES);
});

test('a user who changes too much is refused by the limit and asks no domain; reads and others go on', async () => {
  await using api = await startApi({ config: { limits: { userChanges: { perSecond: 0.001, burst: 2 } } } });
  const read = { userID: 'u1', conversationID: 'si_u1_u2', hasReadSeq: 1 };
  const mark = (options = {}) => api.post('/msg/mark_conversation_as_read', read, options);
  assert.equal((await mark()).json.errCode, 0);
  const remark = { ownerUserID: 'u1', friendUserID: 'u2', remark: 'r' };
  assert.equal((await api.post('/friend/set_friend_remark', remark)).json.errCode, 0, 'the same budget');
  const asked = api.calls.length;
  const { status, json } = await mark();
  assert.deepEqual([status, json.errCode], [429, 429]);
  assert.match(json.errDlt, /limits\.userChanges/);
  assert.equal(api.calls.slice(asked).filter(({ target }) => target.startsWith('msg.')).length, 0);
  assert.equal((await api.post('/friend/get_friend_id', { userID: 'u1' })).json.errCode, 0);
  assert.equal((await mark({ token: 'u2-token' })).json.errCode, 0);
  for (let n = 0; n < 5; n++) assert.equal((await mark(ADMIN)).json.errCode, 0);
});
