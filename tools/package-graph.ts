/** Packages in one box of the diagram: they are in the same folder and may import the same packages. */
export interface PackageGroup {
  readonly packages: readonly string[];
  /** What each of them may import. */
  readonly imports: readonly string[];
}

/** A package and its folder. */
export interface PlacedPackage {
  readonly name: string;
  readonly dir: string;
}

/**
 * Groups packages by the folder that they lie in and by what they may import, in the order given.
 * @param mayImport what each package may import; a package that is not in it is left out.
 */
export function packageGroups(
  packages: readonly PlacedPackage[],
  mayImport: ReadonlyMap<string, readonly string[]>,
): PackageGroup[] {
  const known = packages.filter(({ name }) => mayImport.has(name));
  const groups = Map.groupBy(known, ({ name, dir }) => {
    const parent = dir.split('/').slice(0, -1).join('/');
    return [parent, ...[...(mayImport.get(name) ?? [])].sort()].join(' ');
  });
  return [...groups.values()].map((members) => ({
    packages: members.map(({ name }) => name),
    imports: mayImport.get(members[0]?.name ?? '') ?? [],
  }));
}

/** The imports between groups, by index, without those that follow from others. */
export function directImports(groups: readonly PackageGroup[]): [from: number, to: number][] {
  const targets = groups.map(
    ({ imports }, from) =>
      new Set(
        groups.flatMap((group, to) =>
          to !== from && group.packages.some((name) => imports.includes(name)) ? [to] : [],
        ),
      ),
  );
  const reaches = (from: number, to: number): boolean =>
    [...(targets[from] ?? [])].some((next) => next === to || reaches(next, to));
  return targets.flatMap((own, from) =>
    [...own]
      .filter((to) => ![...own].some((other) => other !== to && reaches(other, to)))
      .map((to): [number, number] => [from, to]),
  );
}
