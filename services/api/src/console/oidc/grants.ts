import type { OidcProvider } from '@im/contract';
import { CONSOLE_ROLE_NAMES, isTenantId } from '@im/contract';

/** What a provider says of a person. */
export type Claims = Readonly<Record<string, unknown>>;

/** A role in a tenant; `*` stands for all. */
export interface Grant {
  readonly tenant: string;
  readonly role: string;
}

/** Most tenants of one session. */
const MOST_GRANTS = 100;
const MOST_VALUES = 1_000;
const MAX_NAME = 64;

/** The texts of a claim, which may be one or a list. */
function textsOf(claims: Claims, claim: string): string[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  const values = Array.isArray(value) ? value.slice(0, MOST_VALUES) : [value];
  return values.filter((entry) => typeof entry === 'string');
}

/** The claims that the rules of a provider look at. */
export function wantedClaims({ rules, nameClaim }: Pick<OidcProvider, 'rules' | 'nameClaim'>): string[] {
  const ofRules = rules.flatMap(({ claim, tenantsClaim }) => [
    claim,
    ...(tenantsClaim ? [tenantsClaim] : []),
  ]);
  return [...new Set([nameClaim, ...ofRules])];
}

/** The roles that the rules give for some claims: in each tenant the highest. */
export function grantsOf(claims: Claims, rules: OidcProvider['rules']): Grant[] {
  const roles = new Map<string, number>();
  for (const { claim, values, role, tenants, tenantsClaim } of rules) {
    if (!textsOf(claims, claim).some((value) => values.includes(value))) continue;
    const named = tenantsClaim === undefined ? [] : textsOf(claims, tenantsClaim).filter(isTenantId);
    for (const tenant of [...tenants, ...named]) {
      if (!roles.has(tenant) && roles.size >= MOST_GRANTS) break;
      roles.set(tenant, Math.max(roles.get(tenant) ?? 0, CONSOLE_ROLE_NAMES.indexOf(role)));
    }
  }
  return [...roles].map(([tenant, rank]) => ({ tenant, role: CONSOLE_ROLE_NAMES[rank] ?? 'viewer' }));
}

/** Whether a claim was left out since it is too long, as Entra does with many groups. */
export function isOverage(claims: Claims, rules: OidcProvider['rules']): boolean {
  const { _claim_names: names } = claims;
  return (
    typeof names === 'object' && names !== null && rules.some(({ claim }) => Object.hasOwn(names, claim))
  );
}

/** Name of a person in the audit log: `<provider>:<name>`. No login link has such a name. */
export function nameOf(
  claims: Claims,
  { name, nameClaim }: Pick<OidcProvider, 'name' | 'nameClaim'>,
  subject: string,
): string {
  const [given = ''] = textsOf(claims, nameClaim);
  const clean = (text: string) =>
    [...text.replace(/\p{C}/gu, '').trim()].slice(0, MAX_NAME).join('').slice(0, MAX_NAME);
  return `${name}:${clean(given) || clean(subject) || 'unknown'}`;
}
