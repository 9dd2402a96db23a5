/** Reads a service account, a file with a JSON object. @throws TypeError that names the setting and what is missing. */
export function serviceAccountOf<K extends string>(
  json: string,
  fields: readonly K[],
  setting: string,
): Readonly<Record<K, string>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new TypeError(`${setting} is not JSON; use the content of the downloaded key file`);
  }
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  for (const field of fields)
    if (typeof object[field] !== 'string' || object[field] === '')
      throw new TypeError(`${setting} has no ${field}; use the content of the downloaded key file`);
  return object as Record<K, string>;
}
