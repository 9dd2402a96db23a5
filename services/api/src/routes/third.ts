import { atLeast, between, text } from '../field-rules.ts';
import type { ApiCall } from '../route.ts';
import { rpcRoute } from '../rpc-route.ts';

const urlPrefix = (call: ApiCall) => ({ urlPrefix: call.objectURL });

/** Of users the address of their request; administrators name that of the client for whom they ask. */
const userIP = ({ ctx, clientIP }: ApiCall): { clientIP?: string } =>
  ctx.opAdmin ? {} : { clientIP: clientIP() };

/** Push registrations, verification codes, client logs and objects, docs/protocol/objects.md. */
export const thirdRoutes = [
  rpcRoute('/third/fcm_update_token', 'third', 'fcmUpdateToken', {
    rules: [between('platformID', 1, 11), text('fcmToken'), text('account')],
  }),
  rpcRoute('/third/set_push_token', 'third', 'setPushToken', {
    rules: [text('userID'), between('platformID', 1, 11), text('kind'), text('token')],
  }),
  rpcRoute('/third/del_push_token', 'third', 'delPushToken', {
    rules: [text('userID'), text('kind'), text('token')],
  }),
  rpcRoute('/third/set_quiet_hours', 'third', 'setQuietHours', { rules: [text('userID')] }),
  rpcRoute('/third/get_quiet_hours', 'third', 'getQuietHours', { rules: [text('userID')] }),
  rpcRoute('/third/set_app_badge', 'third', 'setAppBadge', { rules: [text('userID')] }),
  rpcRoute('/third/logs/upload', 'third', 'uploadLogs'),
  rpcRoute('/third/logs/delete', 'third', 'deleteLogs', { admin: true }),
  rpcRoute('/third/logs/search', 'third', 'searchLogs', { split: {}, admin: true }),
  rpcRoute('/verification/send_code', 'third', 'sendVerificationCode', {
    rules: [text('purpose')],
    fill: userIP,
  }),
  rpcRoute('/verification/verify_code', 'third', 'verifyCode', { rules: [text('purpose'), text('code')] }),
  rpcRoute('/object/part_limit', 'third', 'partLimit'),
  rpcRoute('/object/part_size', 'third', 'partSize'),
  rpcRoute('/object/initiate_multipart_upload', 'third', 'initiateMultipartUpload', { fill: urlPrefix }),
  rpcRoute('/object/auth_sign', 'third', 'authSign'),
  rpcRoute('/object/complete_multipart_upload', 'third', 'completeMultipartUpload', { fill: urlPrefix }),
  rpcRoute('/object/access_url', 'third', 'accessURL'),
  rpcRoute('/object/initiate_form_data', 'third', 'initiateFormData', {
    rules: [text('name'), atLeast('size')],
  }),
  rpcRoute('/object/complete_form_data', 'third', 'completeFormData', { fill: urlPrefix }),
];
