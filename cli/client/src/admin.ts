import { ERR } from '@im/protocol';
import { type ApiClient, ApiError, apiClient, type Endpoint } from './api-client.ts';

/** Credentials of an administrator of a tenant. */
export interface AdminAccess {
  readonly adminUser: string;
  readonly secret: string;
}

/** Administration of one tenant over its HTTP API. */
export interface Admin {
  readonly api: ApiClient;
  token(): Promise<string>;
  /** Registers users that do not exist yet; nickname = `nick <id>`. */
  ensureUsers(userIDs: readonly string[]): Promise<void>;
  userToken(userID: string, platformID: number): Promise<string>;
  forceLogout(userID: string, platformID: number): Promise<void>;
  /** Calls a route as the administrator. */
  call<T = unknown>(route: string, body: unknown): Promise<T>;
  close(): void;
}

/** Expired, kicked, unknown. */
const TOKEN_IS_OVER = new Set<number>([ERR.TokenExpiredError, ERR.TokenKickedError, ERR.TokenNotExistError]);
/** Users of one registration request. */
const REGISTER_BATCH = 500;

export function admin(endpoint: Endpoint, access: AdminAccess): Admin {
  const api = apiClient(endpoint.api);
  let cached: Promise<string> | undefined;

  function token(): Promise<string> {
    cached ??= api
      .call<{ token: string }>('/auth/get_admin_token', { secret: access.secret, userID: access.adminUser })
      .then((data) => data.token)
      .catch((error: unknown) => {
        cached = undefined;
        throw error;
      });
    return cached;
  }
  async function call<T>(route: string, body: unknown): Promise<T> {
    const used = token();
    try {
      return await api.call<T>(route, body, { token: await used });
    } catch (error) {
      if (!(error instanceof ApiError) || !TOKEN_IS_OVER.has(error.code)) throw error;
    }
    // Any other login as this administrator ends the token, in five minutes.
    if (cached === used) cached = undefined;
    return await api.call<T>(route, body, { token: await token() });
  }
  async function register(userIDs: readonly string[]): Promise<void> {
    const users = userIDs.map((userID) => ({ userID, nickname: `nick ${userID}`, faceURL: '' }));
    try {
      await call('/user/user_register', { users });
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== ERR.RegisteredAlreadyError) throw error;
      if (userIDs.length > 1) for (const userID of userIDs) await register([userID]);
    }
  }

  return {
    api,
    token,
    call,
    async ensureUsers(userIDs) {
      for (let i = 0; i < userIDs.length; i += REGISTER_BATCH) {
        await register(userIDs.slice(i, i + REGISTER_BATCH));
      }
    },
    userToken: async (userID, platformID) =>
      (await call<{ token: string }>('/auth/get_user_token', { userID, platformID })).token,
    forceLogout: async (userID, platformID) => {
      await call('/auth/force_logout', { userID, platformID });
    },
    close: () => api.close(),
  };
}
