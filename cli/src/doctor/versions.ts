import { type Finding, fine } from './finding.ts';

function numbers(version: string): number[] {
  return (version.match(/\d+/g) ?? []).slice(0, 3).map(Number);
}

/** Whether a version is at least another one, by their first three numbers. */
function isAtLeast(version: string, minimum: string): boolean {
  const [have, need] = [numbers(version), numbers(minimum)];
  for (const [index, wanted] of need.entries()) {
    const found = have[index] ?? 0;
    if (found !== wanted) return found > wanted;
  }
  return true;
}

/** Whether a store has what the services use. */
export function storeVersionFinding(
  store: string,
  subject: string,
  version: string,
  minimum: string,
): Finding {
  const check = `${store}.version`;
  if (isAtLeast(version, minimum)) return fine(check, subject, version);
  return {
    ...{ check, subject, severity: 'critical' },
    message: `version ${version}, and ${minimum} or later is needed`,
    meaning: 'Features that the services rely on are missing, some of them silently.',
    remedy: `Upgrade it to ${minimum} or later (docs/operations/external-stores.md).`,
  };
}
