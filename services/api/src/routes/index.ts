import type { Route } from '../call.ts';
import { sendRoutes } from '../send/index.ts';
import { authRoutes } from './auth.ts';
import { configRoutes } from './config.ts';
import { conversationRoutes } from './conversation.ts';
import { friendRoutes } from './friend.ts';
import { groupRoutes } from './group.ts';
import { msgRoutes } from './msg.ts';
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
