import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders of the repository that hold code of ours. */
const TREES = ['services', 'operator', 'cli', 'e2e', 'tools'];
const SKIPPED = new Set(['node_modules', '.cache', '.dev', 'dist']);

/** Every file below the source folders, relative to the root, sorted. */
export function sourceFiles(root: string): string[] {
  const files: string[] = [];
  const visit = (dir: string) => {
    for (const entry of readdirSync(join(root, dir), { withFileTypes: true })) {
      const path = `${dir}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) visit(path);
      } else {
        files.push(path);
      }
    }
  };
  for (const tree of TREES) visit(tree);
  return files.sort();
}
