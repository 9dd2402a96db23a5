import type { ClusterAlarm } from '@im/admin-api';
import { Alert, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTexts } from '../i18n/language.tsx';

/** Something that needs attention. */
export interface Alarm {
  readonly key: string;
  readonly severity: ClusterAlarm['severity'];
  readonly title: string;
  readonly remedy: string;
  /** Where it is seen or mended. @default none */
  readonly link?: ReactNode;
}

/** Orange of the theme has too little contrast as text; the title says which it is. */
const COLOURS = { critical: 'red', warning: 'red', info: 'gray' } as const;

/** What needs attention, each with what to do. */
export function Alarms({ alarms }: { readonly alarms: readonly Alarm[] }) {
  const { cluster } = useTexts();
  if (alarms.length === 0)
    return (
      <Text size="sm" c="dimmed" role="status">
        {cluster.noAlarms}
      </Text>
    );
  return (
    <Stack gap="xs">
      {alarms.map(({ key, severity, title, remedy, link }) => (
        <Alert
          key={key}
          color={COLOURS[severity]}
          variant="outline"
          title={`${cluster.severities[severity]}: ${title}`}
          data-severity={severity}
        >
          <Text size="sm">
            {remedy} {link}
          </Text>
        </Alert>
      ))}
    </Stack>
  );
}
