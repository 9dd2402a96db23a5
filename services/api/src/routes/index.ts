import type { MessageName } from '@im/protocol';
import { FIXED_ROUTES } from '../get-routes.ts';
import type { Route } from '../route.ts';
import { authRoutes } from './auth.ts';
import { configRoutes } from './config.ts';
import { conversationRoutes } from './conversation.ts';
import { friendRoutes } from './friend.ts';
import { groupRoutes } from './group.ts';
import { msgRoutes } from './msg.ts';
import { sendRoutes } from './send.ts';
import { statisticsRoutes } from './statistics.ts';
import { thirdRoutes } from './third.ts';
import { userRoutes } from './user.ts';

/** Every POST route that is one RPC. */
export const RPC_ROUTES = [
  ...authRoutes,
  ...userRoutes,
  ...friendRoutes,
  ...groupRoutes,
  ...conversationRoutes,
  ...msgRoutes,
  ...thirdRoutes,
  ...statisticsRoutes,
];

/** Every POST route. */
export const ROUTES: readonly Route[] = [...RPC_ROUTES, ...sendRoutes, ...configRoutes];

/** One route, for the reference pages. */
export interface RouteDescription {
  /** `POST /user/get_users_info`. */
  readonly route: string;
  /** The implementation: `<domain>.<method>`, or `api.<what>` in the API itself. */
  readonly target: string;
  readonly admin: boolean;
  /** Messages in its body. */
  readonly requests: readonly MessageName[];
  /** Largest body in bytes; infinite when only the configuration limits it. */
  readonly bodyLimit: number;
}

/** Every route, in the order of the API's specification. */
export function describeRoutes(): RouteDescription[] {
  return [
    ...ROUTES.map(({ path, target, admin, requests, bodyLimit }) => ({
      route: `POST ${path}`,
      target,
      admin,
      requests,
      bodyLimit,
    })),
    { route: 'GET /object/*', target: 'third.accessURL', admin: false, requests: [], bodyLimit: 0 },
    ...FIXED_ROUTES.map(({ path }) => ({
      route: `GET ${path}`,
      target: 'api.ownAnswer',
      admin: false,
      requests: [],
      bodyLimit: 0,
    })),
  ];
}
