import { argsError } from '@im/protocol';
import { atLeast, type FieldRule, type Fields, page } from '../field-rules.ts';
import { rpcRoute } from '../rpc-route.ts';

const inOrder: FieldRule = {
  field: 'start',
  check({ start, end }: Fields) {
    if (Number(start) > Number(end)) throw argsError('start is later than end');
  },
};
const period = [atLeast('start'), atLeast('end'), inOrder];

/** Statistics, docs/protocol/http.md. */
export const statisticsRoutes = [
  rpcRoute('/statistics/user/register', 'user', 'userRegisterCount', { rules: period }),
  rpcRoute('/statistics/user/active', 'msg', 'getActiveUser', { admin: true, rules: [...period, page()] }),
  rpcRoute('/statistics/group/create', 'group', 'groupCreateCount', { admin: true, rules: period }),
  rpcRoute('/statistics/group/active', 'msg', 'getActiveGroup', { admin: true, rules: [...period, page()] }),
];
