import type { ImportGraph } from './source.ts';

/**
 * The circles of imports between files. Of files that all reach each other the shortest circle is reported,
 * as the path from its first file by name back to it.
 */
export function circles(graph: ImportGraph): string[][] {
  const rest = withoutEnds(graph);
  const found: string[][] = [];
  while (rest.size > 0) {
    const shortest = [...rest.keys()]
      .map((start) => circleFrom(rest, start))
      .filter((circle) => circle !== undefined)
      .reduce<string[] | undefined>(
        (best, next) => (best && best.length <= next.length ? best : next),
        undefined,
      );
    if (!shortest) break;
    found.push(shortest);
    for (const path of knotOf(rest, shortest[0] ?? '')) rest.delete(path);
  }
  return found;
}

/** Leaves out, as long as there are any, files that import none of the others or are imported by none. */
function withoutEnds(graph: ImportGraph): Map<string, string[]> {
  const rest = new Map([...graph].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, to]) => [path, [...to]]));
  for (let before = -1; before !== rest.size; ) {
    before = rest.size;
    const imported = new Set([...rest.values()].flat());
    for (const [path, targets] of rest) {
      const kept = targets.filter((target) => rest.has(target));
      if (kept.length === 0 || !imported.has(path)) rest.delete(path);
      else rest.set(path, kept);
    }
  }
  return rest;
}

/** The shortest path from a file back to it, breadth first. */
function circleFrom(graph: ImportGraph, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const path of queue) {
    for (const target of graph.get(path) ?? []) {
      if (target === start) return [...wayTo(cameFrom, start, path), start];
      if (cameFrom.has(target)) continue;
      cameFrom.set(target, path);
      queue.push(target);
    }
  }
  return undefined;
}

function wayTo(cameFrom: ReadonlyMap<string, string>, start: string, end: string): string[] {
  const way = [end];
  for (let at = end; at !== start; ) {
    at = cameFrom.get(at) ?? start;
    way.unshift(at);
  }
  return way;
}

/** The files that a file reaches and that reach it. */
function knotOf(graph: ImportGraph, start: string): string[] {
  const reaches = new Map<string, string[]>([...graph.keys()].map((path) => [path, []]));
  for (const [path, targets] of graph) for (const target of targets) reaches.get(target)?.push(path);
  const back = reached(reaches, start);
  return [...reached(graph, start)].filter((path) => back.has(path));
}

function reached(graph: ImportGraph, start: string): Set<string> {
  const seen = new Set([start]);
  for (const path of seen) for (const target of graph.get(path) ?? []) seen.add(target);
  return seen;
}
