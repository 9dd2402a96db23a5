import type { Operation } from '@im/admin-api';
import { type RouteAccess, roleMay, type ServerConfig } from '@im/contract';
import {
  type CallContext,
  clientAddress,
  createUserLimit,
  FailedAttempts,
  type Invalidations,
  type Metrics,
  randomId,
  type TenantDirectory,
  withCaller,
  withSpan,
} from '@im/kit';
import { argsError, ERR, ImError } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import type { FastifyRequest } from 'fastify';
import { EVERY_TENANT, requireRole, roleIn } from './admin/console-caller.ts';
import type { Arrivals } from './arrivals.ts';
import { consoleCaller } from './console-session.ts';
import { type Bodies, decompress } from './request-body.ts';
import { objectURL } from './request-target.ts';
import type { ApiCall, Route } from './route.ts';
import { type Bearer, createTokenGate, isTokenRefusal, tooManyAttempts } from './token-gate.ts';

/** Paths below these need no token. */
const LOGIN_PATH = '/auth/get_admin_token';
const PARSE_PATH = '/auth/parse_token';
const WITHOUT_TOKEN = [LOGIN_PATH, PARSE_PATH];
/** Request ids are kept in the audit log. */
const MAX_ID_CHARS = 256;
const EMPTY = Buffer.alloc(0);

/** Makes calls of requests: who calls, as which tenant, and with which body. */
export interface Entrance {
  /** The request before authentication. @throws ImError 90004 while its tenant cannot be served. */
  anonymousCall(request: FastifyRequest): ApiCall;
  /** Authenticates the request, before its body is read. @throws ImError */
  enter(request: FastifyRequest, route: Route): Promise<ApiCall>;
  /** The id of a request, by which logs find it: as the client gave it, else a random one. */
  requestID(request: FastifyRequest): string;
  /**
   * Authenticates an administrator or a session of the console, before the body is read.
   * @throws ImError 1501-1507 without a valid token or session, 1002 for other users, or when the role is not enough, of a session or of a token
   */
  enterAdmin(request: FastifyRequest, operation: Operation, operationID: string): Promise<ApiCall>;
  /** The client's address. */
  addressOf(request: FastifyRequest): string;
  /** The request with its body. Its deadline counts from now: slow uploads do not shorten it. @throws ImError */
  arrived(request: FastifyRequest, limit: number): Promise<ApiCall>;
  /** Counts failed answers of routes without a token. */
  countFailure(path: string, request: FastifyRequest, error: ImError): void;
  /** Whether the address may try to log in to the console, which it may not after too many failures. */
  allowsLogin(request: FastifyRequest): boolean;
  /** Counts a login to the console that did not pass. */
  countFailedLink(request: FastifyRequest): void;
  close(): void;
}

/** Dependencies of {@link createEntrance}. */
export interface EntranceDeps {
  readonly config: ServerConfig['api'];
  /** Current limits of failed attempts. */
  readonly attempts: () => ServerConfig['attempts'];
  /** Current limits of the cluster. */
  readonly limits: () => ServerConfig['limits'];
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly tenants: TenantDirectory;
  readonly invalidations: Invalidations;
  readonly metrics: Metrics;
  readonly arrivals: Arrivals;
  readonly bodies: Bodies;
}

export function createEntrance(deps: EntranceDeps): Entrance {
  const { arrivals, bodies, config, rpc } = deps;
  const userChanges = createUserLimit('userChanges', deps);
  const tokens = new FailedAttempts('token', () => deps.attempts().tokens, deps.metrics);
  const logins = new FailedAttempts('login', () => deps.attempts().logins, deps.metrics);
  const gate = createTokenGate({ ...deps, attempts: tokens });
  const addressOf = (request: FastifyRequest) => clientAddress(request.raw, deps.attempts().trustedProxies);

  /** @throws ImError 90004 for a tenant that is not served. */
  function anonymousCall(request: FastifyRequest): ApiCall {
    const call = callOf(request);
    if (call.tenant.suspended) throw suspended();
    return call;
  }

  function callOf(request: FastifyRequest): ApiCall {
    const { tenant, refused, contentType, url, prefix, span } = arrivals.of(request);
    if (refused) throw new ImError(ERR.NetworkError, 'the settings of the tenant are invalid');
    if (!tenant) throw new ImError(ERR.NetworkError, 'tenants are not known yet');
    const ctx: CallContext = {
      tenant: tenant.id,
      operationID: header(request, 'operationid'),
      deadline: Date.now() + config.requestTimeoutMs,
      opUserID: '',
      opPlatformID: 0,
      opAdmin: false,
      connID: '',
    };
    return {
      ctx: withSpan(ctx, span),
      tenant,
      rpc,
      contentType,
      query: new URLSearchParams(url.split('?')[1] ?? ''),
      objectURL: objectURL(request.headers, 'encrypted' in request.raw.socket, prefix),
      clientIP: () => addressOf(request),
      body: EMPTY,
    };
  }

  function countFailure(path: string, request: FastifyRequest, error: ImError): void {
    const { tenant } = arrivals.of(request);
    if (!tenant) return;
    const refused = error.code === ERR.NoPermissionError || error.code === ERR.ArgsError;
    if (path === LOGIN_PATH && refused) logins.failed(tenant.id, addressOf(request));
    if (path === PARSE_PATH && isTokenRefusal(error)) tokens.failed(tenant.id, addressOf(request));
  }

  async function enter(request: FastifyRequest, { path, access, changes }: Route): Promise<ApiCall> {
    const call = anonymousCall(request);
    const { ctx, tenant } = call;
    if (ctx.operationID === '') throw argsError('header must have operationID');
    if (WITHOUT_TOKEN.some((prefix) => path.startsWith(prefix))) {
      const login = path === LOGIN_PATH;
      if (!(login ? logins : tokens).allows(ctx.tenant, addressOf(request)))
        throw tooManyAttempts(login ? 'logins' : 'tokens');
      return call;
    }
    const bearer = await gate.bearer(ctx, header(request, 'token'), addressOf(request));
    requireAccess(bearer, access);
    const { userID, platformID } = bearer;
    const opAdmin = tenant.adminUserIDs.includes(userID);
    const known = withCaller(ctx, { opUserID: userID, opPlatformID: platformID, opAdmin });
    if (changes) userChanges.take(known);
    return { ...call, ctx: known };
  }

  /** Calls of the console are those of the tenant's first administrator; the audit log names who made them. */
  function asAdministrator(call: ApiCall, ctx: CallContext): CallContext {
    const [opUserID = ''] = call.tenant.adminUserIDs;
    return withCaller(ctx, { opUserID, opPlatformID: 0, opAdmin: true });
  }

  async function enterAdmin(
    request: FastifyRequest,
    operation: Operation,
    operationID: string,
  ): Promise<ApiCall> {
    const call = callOf(request);
    const { tenant } = call;
    const mayBeRead = config.console.enabled && operation.method === 'GET' && !operation.open;
    if (tenant.suspended && !mayBeRead) throw suspended();
    const ctx = { ...call.ctx, operationID };
    const address = addressOf(request);
    if (operation.open && operation.method !== 'GET' && !logins.allows(ctx.tenant, address))
      throw tooManyAttempts('logins');
    if (operation.open && !operation.console) return { ...call, ctx };
    const { path } = config.console;
    const deps = { rpc, attempts: tokens, address, path, active: !operation.live };
    const caller = config.console.enabled
      ? await consoleCaller(ctx, request, deps).catch((error: unknown) => {
          if (operation.open && isTokenRefusal(error)) return undefined;
          throw error;
        })
      : undefined;
    // Those who look after all tenants see why, and what is in it; its own people are not served.
    if (tenant.suspended && !(caller && roleIn(caller.session, EVERY_TENANT))) throw suspended();
    if (caller) {
      requireRole(caller, ctx.tenant, operation);
      const anySession = operation.console?.role === 'session';
      return { ...call, ctx: anySession ? ctx : asAdministrator(call, ctx), console: caller };
    }
    if (operation.open) return { ...call, ctx };
    const [, bearerToken = ''] = /^Bearer +(\S+)$/i.exec(header(request, 'authorization')) ?? [];
    const token = header(request, 'token') || bearerToken;
    if (token === '') throw new ImError(ERR.TokenNotExistError, 'header must have token');
    const bearer = await gate.bearer(ctx, token, addressOf(request));
    requireAccess(bearer, operation.access);
    const { userID, platformID } = bearer;
    if (!tenant.adminUserIDs.includes(userID))
      throw new ImError(ERR.NoPermissionError, 'only an administrator may do this');
    return { ...call, ctx: withCaller(ctx, { opUserID: userID, opPlatformID: platformID, opAdmin: true }) };
  }

  async function arrived(request: FastifyRequest, limit: number): Promise<ApiCall> {
    const { call } = arrivals.of(request);
    if (!call) throw new TypeError('the request never entered');
    const given = Buffer.isBuffer(request.body) ? request.body : EMPTY;
    const body = await decompress(given, request.headers['content-encoding'], limit);
    if (body !== given) bodies.hold(request.raw, body.length);
    return { ...call, body, ctx: { ...call.ctx, deadline: Date.now() + config.requestTimeoutMs } };
  }

  return {
    anonymousCall,
    requestID: (request) =>
      (header(request, 'operationid') || header(request, 'x-request-id')).slice(0, MAX_ID_CHARS) ||
      randomId(),
    enter,
    enterAdmin,
    addressOf,
    arrived,
    countFailure,
    allowsLogin: (request) => {
      const { tenant } = arrivals.of(request);
      return tenant === undefined || logins.allows(tenant.id, addressOf(request));
    },
    countFailedLink: (request) => {
      const { tenant } = arrivals.of(request);
      if (tenant) logins.failed(tenant.id, addressOf(request));
    },
    close: () => gate.close(),
  };
}

function suspended(): ImError {
  return new ImError(ERR.NetworkError, 'tenant is suspended');
}

/** @throws ImError 1002 for the token of a backend whose role excludes the route. */
function requireAccess({ role }: Bearer, access: RouteAccess): void {
  if (roleMay(role, access)) return;
  const remedy =
    access === 'grant' ? 'a token that was issued against the admin secret' : 'one whose role includes it';
  throw new ImError(
    ERR.NoPermissionError,
    `a token with the role ${role} may not do this (${access}); use ${remedy}`,
  );
}

/** A header's first value; empty when it is missing. */
export function header(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}
