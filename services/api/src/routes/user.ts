import { between, list, nonZero, object, objects, oneOf, page, text } from '../field-rules.ts';
import { rpcRoute } from '../rpc-route.ts';

const command = [text('userID'), nonZero('type'), text('uuid')];

/** Users, docs/protocol/http.md. */
export const userRoutes = [
  rpcRoute('/user/user_register', 'user', 'userRegister', { admin: true, rules: [objects('users', [])] }),
  rpcRoute('/user/update_user_info', 'user', 'updateUserInfo', {
    rules: [object('userInfo', [text('userID')])],
  }),
  rpcRoute('/user/update_user_info_ex', 'user', 'updateUserInfoEx', {
    rules: [object('userInfo', [text('userID')])],
  }),
  rpcRoute('/user/set_global_msg_recv_opt', 'user', 'setGlobalRecvMessageOpt', {
    rules: [text('userID'), between('globalRecvMsgOpt', 0, 2)],
  }),
  rpcRoute('/user/get_users_info', 'user', 'getDesignateUsers', {
    rules: [list('userIDs')],
    split: { ids: 'userIDs' },
  }),
  rpcRoute('/user/get_all_users_uid', 'user', 'getAllUserID', { rules: [page()] }),
  rpcRoute('/user/account_check', 'user', 'accountCheck', { admin: true, rules: [list('checkUserIDs')] }),
  rpcRoute('/user/get_users', 'user', 'getPaginationUsers', {
    rules: [page()],
    split: {},
  }),
  rpcRoute('/user/get_users_online_status', 'user', 'getUsersOnlineStatus', {
    admin: true,
    badInput: 400,
    rules: [list('userIDs')],
    list: 'results',
  }),
  rpcRoute('/user/get_users_online_token_detail', 'user', 'getUsersOnlineTokenDetail', {
    badInput: 400,
    rules: [list('userIDs')],
    list: 'results',
  }),
  rpcRoute('/user/subscribe_users_status', 'user', 'subscribeOrCancelUsersStatus', {
    rules: [text('userID'), list('userIDs'), oneOf('genre', [1, 2])],
  }),
  rpcRoute('/user/get_users_status', 'user', 'getUserStatus', { rules: [list('userIDs')] }),
  rpcRoute('/user/get_subscribe_users_status', 'user', 'getSubscribeUsersStatus', {
    rules: [text('userID')],
  }),
  rpcRoute('/user/process_user_command_add', 'user', 'processUserCommandAdd', { rules: command }),
  rpcRoute('/user/process_user_command_delete', 'user', 'processUserCommandDelete', { rules: command }),
  rpcRoute('/user/process_user_command_update', 'user', 'processUserCommandUpdate', { rules: command }),
  rpcRoute('/user/process_user_command_get', 'user', 'processUserCommandGet', {
    rules: [text('userID'), nonZero('type')],
  }),
  rpcRoute('/user/process_user_command_get_all', 'user', 'processUserCommandGetAll', {
    rules: [text('userID')],
  }),
  rpcRoute('/user/add_notification_account', 'user', 'addNotificationAccount', {
    admin: true,
    rules: [text('nickName')],
  }),
  rpcRoute('/user/update_notification_account', 'user', 'updateNotificationAccountInfo', {
    admin: true,
    rules: [text('userID')],
  }),
  rpcRoute('/user/search_notification_account', 'user', 'searchNotificationAccount', {
    split: {},
    admin: true,
    rules: [page()],
  }),
  rpcRoute('/user/get_user_client_config', 'user', 'getUserClientConfig'),
  rpcRoute('/user/set_user_client_config', 'user', 'setUserClientConfig', { admin: true }),
  rpcRoute('/user/del_user_client_config', 'user', 'delUserClientConfig', { admin: true }),
  rpcRoute('/user/page_user_client_config', 'user', 'pageUserClientConfig', {
    admin: true,
    rules: [page()],
    split: {},
  }),
];
