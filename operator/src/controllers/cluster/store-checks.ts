import type { CheckResult } from '../../checks/index.ts';
import type { EffectiveSpec } from '../../resources/effective.ts';
import type { Owner } from '../../resources/names.ts';
import type { StoreKey } from './observation.ts';

export function storeChecks(_input: {
  owner: Owner;
  effective: EffectiveSpec;
  connection: Readonly<Record<string, string>>;
}): Record<StoreKey, (signal: AbortSignal) => Promise<CheckResult>> {
  const fine = async (): Promise<CheckResult> => ({ ok: true, detail: {} });
  return { nats: fine, mongodb: fine, redis: fine, objectStorage: fine };
}
