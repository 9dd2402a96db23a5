import { Group, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  readonly title: string;
  /** Below the title. @default none */
  readonly explained?: ReactNode;
  /** Buttons next to the title. @default none */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A part of a page with its own title. */
export function Section({ title, explained, actions, children }: Props) {
  return (
    <Stack gap="xs" component="section">
      <Group justify="space-between" align="flex-start">
        <Title order={2} size="h4">
          {title}
        </Title>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {explained !== undefined && (
        <Text size="sm" c="dimmed">
          {explained}
        </Text>
      )}
      {children}
    </Stack>
  );
}
