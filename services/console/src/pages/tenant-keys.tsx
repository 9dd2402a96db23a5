import type { TenantKey } from '@im/admin-api';
import { Code, Stack, Text } from '@mantine/core';
import { useTenant } from '../api/client.ts';
import { COMPLETE, List } from '../components/list.tsx';
import { Section } from '../components/section.tsx';
import { Time } from '../components/time.tsx';
import { useTexts } from '../i18n/language.tsx';

/** The keys of a tenant, by their ids. */
export function TenantKeys({ keys }: { readonly keys: readonly TenantKey[] }) {
  const { tenantPage: texts } = useTexts();
  const tenant = useTenant();
  return (
    <Section title={texts.keys}>
      <List
        label={texts.keys}
        entries={keys}
        keyOf={({ kind, keyID }) => `${kind} ${keyID}`}
        state={COMPLETE}
        columns={[
          { title: texts.keyID, cell: ({ keyID }) => <Code>{keyID}</Code> },
          { title: texts.description, cell: ({ kind }) => texts.keyKinds[kind] },
          { title: texts.keyState, cell: ({ current }) => (current ? texts.current : texts.former) },
          { title: texts.until, cell: ({ untilTime }) => <Time ms={untilTime} /> },
        ]}
      />
      <Stack gap={4}>
        <Text size="sm">{texts.rotate}</Text>
        <Code block>openimctl key rotate {tenant}</Code>
      </Stack>
    </Section>
  );
}
