/** A variable that was found under the name of an earlier version. */
export interface DeprecatedVariable {
  /** The name that is set. */
  readonly name: string;
  /** The name to set instead. */
  readonly use: string;
}

/**
 * Environment variables by their names. A variable that is only set under its former name is read there; such names are
 * accepted for this version only, and {@link deprecated} lists those that were found.
 */
export class Environment {
  readonly #values: Readonly<Record<string, string | undefined>>;
  readonly #deprecated = new Map<string, string>();

  /** @param values @default the environment of the process */
  constructor(values: Readonly<Record<string, string | undefined>> = process.env) {
    this.#values = values;
  }

  /** The value of a variable; an empty text is a value. */
  get(name: string, former?: string): string | undefined {
    const value = this.#values[name];
    if (value !== undefined || former === undefined) return value;
    const formerValue = this.#values[former];
    if (formerValue !== undefined) this.#deprecated.set(former, name);
    return formerValue;
  }

  /** Former names that `get` found set so far, each once. */
  get deprecated(): readonly DeprecatedVariable[] {
    return [...this.#deprecated].map(([name, use]) => ({ name, use }));
  }
}

/** Logs each deprecated variable once, with the name to use instead. */
export function warnOfDeprecated(
  variables: readonly DeprecatedVariable[],
  log: { warn(fields: object, message: string): void },
): void {
  for (const { name, use } of variables)
    log.warn(
      { variable: name, use },
      'deprecated environment variable: rename it, the next version ignores it',
    );
}
