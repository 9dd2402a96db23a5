import { testPush, testVerification } from '@im/admin-api';
import { make } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';

/** Tests of a tenant's providers of notifications, SMS and mail. */
export const providerRoutes: readonly AdminRoute[] = [
  adminRoute(testPush, 'third.testPush', async ({ ctx, rpc }, { body }) => {
    const { userID = '', token = '', text } = body;
    const request = make('third.TestPushReq', { userID, token, text });
    const { results, faults } = await rpc.client('third').testPush(ctx, request);
    return {
      results: results.map((result) => {
        const { platformID, kind, provider, outcome, reason, id, afterMs } = result;
        const device = { userID: result.userID, platformID, kind, token: result.token };
        return { ...device, provider, outcome, reason, notificationID: id, afterMs };
      }),
      faults,
    };
  }),
  adminRoute(testVerification, 'third.testVerification', async ({ ctx, rpc }, { body }) => {
    const { phone = '', mail = '', language = '' } = body;
    const request = make('third.TestVerificationReq', { phone, mail, language });
    const { results } = await rpc.client('third').testVerification(ctx, request);
    return {
      results: results.map(({ provider, outcome, reason, detail, id }) => ({
        ...{ provider, outcome, reason, detail, messageID: id },
      })),
    };
  }),
];
