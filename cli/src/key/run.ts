import { confirmByName } from '../confirm.ts';
import type { DryRunOption } from '../dry-run.ts';
import { usageError } from '../exit-codes.ts';
import { type OutputFormat, printObject, printRows } from '../output.ts';
import type { TenantChoice } from '../tenant/found.ts';
import { KEY_COLUMNS } from './rows.ts';

interface KeyOptions extends TenantChoice {
  config?: string;
  output: OutputFormat;
}

export interface RotateOptions extends KeyOptions, DryRunOption {
  admin: boolean;
  overlap?: number;
  wait: boolean;
  timeout?: number;
}

export interface RevokeOptions extends KeyOptions, DryRunOption {
  yes?: boolean;
  wait: boolean;
  timeout?: number;
}

const DEFAULT_OVERLAP_MS = 168 * 3_600_000;
const HOUR_MS = 3_600_000;
const KEY_ID = /^[0-9a-f]{12}$/;

/** Runs `openimctl key list`. */
export async function listKeys(tenant: string, options: KeyOptions): Promise<void> {
  const { config, output } = options;
  if (config !== undefined) {
    const { configKeys } = await import('./config-file.ts');
    await printRows(await (await configKeys(config, tenant)).list(new Date()), KEY_COLUMNS, output);
    return;
  }
  const { keysOf } = await import('./kubernetes.ts');
  await printRows(await keysOf(tenant, options), KEY_COLUMNS, output);
}

/** Runs `openimctl key rotate`. */
export async function rotateKey(tenant: string, options: RotateOptions): Promise<void> {
  const { config, output, admin, overlap: overlapMs = DEFAULT_OVERLAP_MS } = options;
  const purpose = admin ? 'admin' : 'signing';
  if (config === undefined) {
    const { rotate } = await import('./kubernetes.ts');
    const overlapHours = Math.ceil(overlapMs / HOUR_MS);
    await printRows(await rotate(tenant, purpose, overlapHours, options), KEY_COLUMNS, output);
    return;
  }
  const { configKeys } = await import('./config-file.ts');
  const keys = await configKeys(config, tenant, options.dryRun);
  const done = await keys.rotate(purpose, overlapMs, new Date());
  if (done === 'loading')
    process.stderr.write(
      'openimctl: processes load the new key now; run the same command again as soon as all have, and it is used\n',
    );
  await printRows(await keys.list(new Date()), KEY_COLUMNS, output);
}

/** Runs `openimctl key revoke`. */
export async function revokeKey(tenant: string, id: string, options: RevokeOptions): Promise<void> {
  if (!KEY_ID.test(id))
    throw usageError(`${id} is not the ID of a key: 12 hex digits, as openimctl key list shows`);
  const { config, output } = options;
  await confirmByName('end the key', id, options.yes || options.dryRun);
  if (config === undefined) {
    const { revoke } = await import('./kubernetes.ts');
    await printRows(await revoke(tenant, id, options), KEY_COLUMNS, output);
    return;
  }
  const { configKeys } = await import('./config-file.ts');
  await (await configKeys(config, tenant, options.dryRun)).revoke(id, new Date());
  await printObject({ tenant, id, state: 'Ended' }, output);
}
