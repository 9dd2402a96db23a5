import type { DesiredInput } from '../src/controllers/cluster/create.ts';
import { NO_HISTORY } from '../src/controllers/cluster/revisions.ts';
import { TEMPLATE_VERSION } from '../src/resources/revision.ts';
import { connectionOf, type ExternalConnection } from '../src/resources/stores/credentials.ts';

/** Input of the objects of a new cluster without tenants, as today's operator has it, unless `given` says otherwise. */
export function desiredInput({
  external = {},
  ...given
}: Pick<DesiredInput, 'owner' | 'effective' | 'credentials'> &
  Partial<DesiredInput> & { readonly external?: ExternalConnection }): DesiredInput {
  return {
    connection: connectionOf({ ...given, external }),
    tenants: [],
    tenantSecrets: {},
    objectsURL: 'http://files.example.com',
    rpcKey: 'required',
    operatorNamespace: 'openim-system',
    restartedAt: undefined,
    statefulSets: [],
    templateVersion: TEMPLATE_VERSION,
    history: NO_HISTORY,
    settingsLevel: 1,
    ...given,
  };
}
