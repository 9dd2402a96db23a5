import { Stack, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** A part of a section with its own title. */
export function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Stack gap="xs">
      <Title order={3} size="h5">
        {title}
      </Title>
      {children}
    </Stack>
  );
}
