import type { RouteAccess } from '@im/contract';
import { productVersion } from '@im/process';
import {
  argsError,
  checkLimits,
  ERR,
  ImError,
  type MessageName,
  type Messages,
  make,
  toJson,
} from '@im/protocol';
import { readMessage } from '../json-body.ts';
import { USUAL_BODY } from '../request-body.ts';
import type { ApiCall, Route } from '../route.ts';

function route<N extends MessageName>(
  path: string,
  what: string,
  access: RouteAccess,
  request: N | undefined,
  badInput: 200 | 400,
  answer: (request: Messages[N] | undefined) => string | undefined,
): Route {
  return {
    path,
    target: `api.${what}`,
    access,
    admin: true,
    changes: false,
    badInput,
    requests: request ? [request] : [],
    bodyLimit: USUAL_BODY,
    prepare({ body }: ApiCall) {
      const read = request && readMessage(request, body);
      if (request && read) checkLimits(request, read);
      return async () => answer(read);
    },
  };
}

/** The server is configured by files and custom resources, which HTTP clients cannot change. */
function refuse(what: string): () => never {
  return () => {
    throw new ImError(ERR.ServerInternalError, what);
  };
}

/** Configuration over HTTP, for a server that has none of OpenIM's configuration files: docs/protocol/http.md. */
export const configRoutes: readonly Route[] = [
  route('/config/get_config_list', 'getConfigList', 'read', undefined, 200, () =>
    toJson('api.GetConfigListResp', make('api.GetConfigListResp', { version: productVersion() })),
  ),
  route('/config/get_config', 'getConfig', 'read', 'api.GetConfigReq', 400, () => {
    throw argsError('configName is unknown');
  }),
  route(
    '/config/set_config',
    'setConfig',
    'write',
    'api.SetConfigReq',
    400,
    refuse('only etcd support set config'),
  ),
  route(
    '/config/reset_config',
    'resetConfig',
    'write',
    undefined,
    200,
    refuse('only etcd support set config'),
  ),
  route(
    '/config/set_enable_config_manager',
    'setEnableConfigManager',
    'write',
    'api.SetEnableConfigManagerReq',
    400,
    refuse('only etcd support config manager'),
  ),
  route('/config/get_enable_config_manager', 'getEnableConfigManager', 'read', undefined, 200, () =>
    toJson('api.GetEnableConfigManagerResp', make('api.GetEnableConfigManagerResp')),
  ),
  route('/restart', 'restart', 'write', undefined, 200, refuse('only etcd support restart')),
];
