/** Targets of the links in a Markdown page, without those in blocks of code. */
export function linksIn(text: string): string[] {
  const prose = text.replace(/```[\s\S]*?```/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** Folders at the root of the repository, which paths in prose begin with. */
const TOP = ['charts', 'cli', 'crds', 'docs', 'e2e', 'operator', 'services', 'tools'];

/**
 * Files and folders of the repository that a page names in code spans, such as `services/msg/src/index.ts`, without
 * those that have a placeholder (`services/<name>`, `docs/*.md`).
 */
export function pathsIn(text: string): string[] {
  const prose = text.replace(/```[\s\S]*?```/g, '');
  const named = [...prose.matchAll(/`((?:\w+)\/[\w./-]*)`/g)].map(([, path = '']) => path);
  return named.filter((path) => TOP.includes(path.split('/')[0] ?? ''));
}

/** Anchors of the headings of a page, as GitHub makes them; a heading that occurs again gets a number. */
export function anchorsOf(text: string): Set<string> {
  const prose = text.replace(/```[\s\S]*?```/g, '');
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} +(.*)$/gm)) {
    const slug = heading
      .trim()
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}
