import { settingValue } from './renamed-fields.ts';

/** Fields of custom resources that refer to a key of a Secret, with the settings whose values they name. */
const SETTING_OF: Readonly<Record<string, string>> = {
  secretRef: 'secret',
  previousSecretRef: 'previousSecret',
  appSecretRef: 'appSecret',
  masterSecretRef: 'masterSecret',
  serviceAccountSecretRef: 'serviceAccount',
  keySecretRef: 'key',
  privateKeySecretRef: 'privateKey',
  passwordSecretRef: 'password',
  accessKeySecretRef: 'accessKeySecret',
  secretKeySecretRef: 'secretKey',
  authorizationSecretRef: 'authorization',
  clientSecretRef: 'clientSecret',
};

/** A reference to a value in a Secret. */
export interface SecretReference {
  /** Path of the field below the section, such as `providers.fcm.serviceAccountSecretRef`. */
  readonly field: string;
  /** Path of the setting, such as `providers.fcm.serviceAccount`. */
  readonly setting: string;
  /** Name of the Secret. */
  readonly name: string;
  readonly key: string;
}

/** All references to Secrets in a section of a spec. */
export function secretReferencesIn(section: object): SecretReference[] {
  const found: SecretReference[] = [];
  replaceReferences(section, (reference) => {
    found.push(reference);
    return '';
  });
  return found;
}

/**
 * A copy of a section as settings of the services, with the values that these know: `place` says what stands for the
 * value of a reference.
 */
export function settingsOfSection(
  section: object,
  place: (setting: string) => string,
): Readonly<Record<string, unknown>> {
  return replaceReferences(section, ({ setting }) => place(setting)) as Record<string, unknown>;
}

/** What distinguishes an entry of a list: its name, else its place. */
function nameIn(item: unknown, place: number): string {
  const { name } = Object(item);
  return typeof name === 'string' ? name : String(place);
}

function replaceReferences(
  node: unknown,
  place: (reference: SecretReference) => string,
  path: readonly string[] = [],
): unknown {
  if (Array.isArray(node))
    return node.map((item, i) => replaceReferences(item, place, [...path, nameIn(item, i)]));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([field, value]) => {
      const setting = SETTING_OF[field];
      if (setting === undefined) {
        const own = typeof value === 'string' ? settingValue(field, value) : value;
        return [field, replaceReferences(own, place, [...path, field])];
      }
      const { name, key = setting } = value as { readonly name: string; readonly key?: string };
      const at = (last: string) => [...path, last].join('.');
      return [setting, place({ field: at(field), setting: at(setting), name, key })];
    }),
  );
}
