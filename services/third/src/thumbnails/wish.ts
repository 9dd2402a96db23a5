import { argsError } from '@im/protocol';
import { formatNamed } from './picture-format.ts';
import { LARGEST_SIDE, type Wish } from './thumbnail-size.ts';

function sideOf(query: Readonly<Record<string, string>>, name: 'width' | 'height'): number {
  const text = query[name] ?? '';
  if (text === '') return LARGEST_SIDE;
  if (!/^\d{1,9}$/.test(text))
    throw argsError(`query.${name}: ${text} is not a number of pixels, such as 640`);
  const side = Number(text);
  return side === 0 ? LARGEST_SIDE : Math.min(side, LARGEST_SIDE);
}

/**
 * What a query with type=image asks for. A missing side, or 0, is not limited but by {@link LARGEST_SIDE}; a format that
 * is not known is that of the picture.
 * @throws ImError 1001 for a side that is no whole number.
 */
export function wishOf(query: Readonly<Record<string, string>>): Wish {
  const format = formatNamed(query.format ?? '');
  return { width: sideOf(query, 'width'), height: sideOf(query, 'height'), ...(format && { format }) };
}
