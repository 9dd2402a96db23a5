import { join } from 'node:path';
import { ConfigError, TENANT_INDEX, TenantFile, TenantIndex } from '@im/contract';
import { messageOf } from '@im/kit';

/** The files of `tenantsDir` are of different versions, as between two refreshes of mounted files. */
export class TenantFilesChangingError extends ConfigError {}

/** What checks the contents of a file. */
interface FileSchema<T> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } };
}

interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The list of tenants in the files of a folder. */
export interface TenantFiles {
  readonly revision: number;
  /** With references to files and variables. */
  readonly tenants: readonly unknown[];
}

/**
 * Reads the list of tenants from the files of a folder.
 * @param versions `any` takes files as they are, for a start, which cannot wait.
 * @throws ConfigError that names the file. @throws TenantFilesChangingError when versions must match and do not.
 */
export async function readTenantFiles(
  dir: string,
  textOf: (path: string) => Promise<string>,
  versions: 'match' | 'any',
): Promise<TenantFiles> {
  const read = async <T>(name: string, schema: FileSchema<T>): Promise<T> => {
    const path = join(dir, name);
    const text = await textOf(path).catch((error: unknown) => {
      throw new ConfigError(`tenantsDir: cannot read ${path}`, { cause: error });
    });
    const parsed = schema.safeParse(asJson(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new ConfigError(`tenantsDir: ${path}: ${issue?.path.map(String).join('.')}: ${issue?.message}`);
  };
  // A file that is not there yet, or not whole, is one more that is not refreshed.
  const notYet = (error: unknown): never => {
    if (versions === 'any') throw error;
    throw new TenantFilesChangingError(messageOf(error), { cause: error });
  };
  const { revision, files } = await read(TENANT_INDEX, TenantIndex).catch(notYet);
  const tenants: unknown[] = [];
  for (const [name, expected] of Object.entries(files)) {
    const file = await read(name, TenantFile).catch(notYet);
    if (versions === 'match' && file.revision !== expected) {
      throw new TenantFilesChangingError(
        `tenantsDir: ${join(dir, name)} has revision ${file.revision}, ${TENANT_INDEX} lists ${expected}`,
      );
    }
    tenants.push(...file.tenants);
  }
  return { revision, tenants };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
