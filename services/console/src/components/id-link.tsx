import { Anchor } from '@mantine/core';
import { Link } from 'wouter';
import { useTenant } from '../api/client.ts';

interface Props {
  /** Page of the menu that has the entry, such as `users`. */
  readonly page: string;
  readonly id: string;
  /** Shown instead of the id, unless it is empty. @default the id */
  readonly name?: string;
}

/** An id that leads to the page of what it names. */
export function IdLink({ page, id, name = '' }: Props) {
  const tenant = useTenant();
  return (
    <Anchor
      component={Link}
      href={`/${encodeURIComponent(tenant)}/${page}/${encodeURIComponent(id)}`}
      size="sm"
      className="breaks"
    >
      {name || id}
    </Anchor>
  );
}
