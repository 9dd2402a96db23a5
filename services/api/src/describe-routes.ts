import type { MessageName } from '@im/protocol';
import { FIXED_ROUTES } from './get-routes.ts';
import { ROUTES } from './routes/index.ts';

/** One route, for tables about it. */
export interface RouteDescription {
  /** `POST /user/get_users_info`. */
  readonly route: string;
  /** `<domain>.<method>` that does the work; `api.<what>` when the API does it itself. */
  readonly target: string;
  readonly admin: boolean;
  /** What its body holds. */
  readonly requests: readonly MessageName[];
  /** Largest body, bytes; infinite where only the configuration says. */
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
      target: 'api.fixedAnswer',
      admin: false,
      requests: [],
      bodyLimit: 0,
    })),
  ];
}
