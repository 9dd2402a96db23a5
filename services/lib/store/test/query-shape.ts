import type { Document } from 'mongodb';
import { collectionsIn } from '../src/collections.ts';

/** Operators that one field, the last of those used of an index, may have. */
const BOUNDS = new Set(['$in', '$gt', '$gte', '$lt']);

/**
 * What is wrong with a query whose cost grows with the collection on some server, whatever its plan
 * says; undefined when nothing is. Right are: `_id` equal or `$in`, with any other conditions; or
 * the first fields of one index and nothing else, all equal but the last, which may be `$in` or a range
 * without `$lte`. More conditions go into a second `$match`, or are looked at by the caller.
 */
export function growingShape(command: Document): string | undefined {
  if ('findAndModify' in command) return 'findAndModify walks the collection: update and read';
  const [name] = Object.values(command);
  const prefixes = collectionsIn(true)
    .find((spec) => spec.name === name)
    ?.indexes.map(({ keys, isOfCluster }) => [...(isOfCluster ? [] : ['t']), ...Object.keys(keys)]);
  const wrong = filtersOf(command).find((filter) => !isBounded(filter, prefixes ?? []));
  return wrong && `neither \`_id\` nor the first fields of an index alone: ${JSON.stringify(wrong)}`;
}

function filtersOf(command: Document): Document[] {
  if ('pipeline' in command) return [command.pipeline[0]?.$match ?? {}];
  const list: Document[] | undefined = command.updates ?? command.deletes;
  return list ? list.map(({ q }) => q) : [command.filter ?? command.query ?? {}];
}

function isBounded(filter: Document, indexes: readonly string[][]): boolean {
  if ('_id' in filter) return operatorsOf(filter._id).every((operator) => operator === '$in');
  const fields = Object.keys(filter);
  return indexes.some((keys) => {
    const used = keys.slice(0, fields.length);
    if (used.length !== fields.length || !used.every((key) => fields.includes(key))) return false;
    return used.every((key, i) => {
      const operators = operatorsOf(filter[key]);
      return operators.length === 0 || (i === used.length - 1 && operators.every((o) => BOUNDS.has(o)));
    });
  });
}

/** The operators of a condition; none for a plain value. */
function operatorsOf(condition: unknown): string[] {
  if (typeof condition !== 'object' || condition === null) return [];
  return Object.keys(condition);
}
