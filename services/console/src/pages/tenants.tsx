import type { TenantEntry } from '@im/admin-api';
import { Anchor, Badge, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { ownClient } from '../api/client.ts';
import { List } from '../components/list.tsx';
import { Section } from '../components/section.tsx';
import { listTenants } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';

/** Rest of typing after which the list is read. */
const QUIET_MS = 300;

/** The tenants that the session has rights in. */
export function Tenants() {
  const { tenantPage: texts } = useTexts();
  const [typed, setTyped] = useState('');
  const [prefix] = useDebouncedValue(typed.trim(), QUIET_MS);
  const state = useInfiniteQuery({
    queryKey: ['tenants', prefix],
    queryFn: ({ pageParam: cursor }) =>
      ownClient.call(listTenants, {
        query: { limit: 10, ...(prefix !== '' && { prefix }), ...(cursor !== '' && { cursor }) },
      }),
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
  return (
    <Section title={texts.all}>
      <TextInput
        label={texts.find}
        maw={320}
        maxLength={63}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <List<TenantEntry>
        label={texts.all}
        entries={state.data?.pages.flatMap(({ tenants }) => tenants) ?? []}
        keyOf={({ tenantID }) => tenantID}
        state={state}
        columns={[
          {
            title: texts.title,
            cell: ({ tenantID }) => (
              <Anchor component={Link} size="sm" href={`/${encodeURIComponent(tenantID)}/tenant`}>
                {tenantID}
              </Anchor>
            ),
          },
          {
            title: texts.hosts,
            cell: ({ hosts }) => <span className="breaks">{hosts.join(', ') || '–'}</span>,
          },
          {
            title: texts.state,
            cell: ({ suspended }) => (
              <Badge color={suspended ? 'red.9' : 'teal.9'}>
                {suspended ? texts.suspended : texts.serving}
              </Badge>
            ),
          },
        ]}
      />
    </Section>
  );
}
