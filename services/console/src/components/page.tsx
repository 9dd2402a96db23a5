import { Group, Stack, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { useTenant } from '../api/client.ts';
import { useTexts } from '../i18n/language.tsx';

interface Props {
  readonly title: string;
  /** Buttons next to the title. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A page with its title, in the tab as well. */
export function Page({ title, actions, children }: Props) {
  const texts = useTexts();
  const tenant = useTenant();
  useEffect(() => {
    document.title = `${title} · ${tenant} · ${texts.console}`;
  }, [title, tenant, texts]);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <Title order={1} size="h2" className="breaks">
          {title}
        </Title>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}
