import { Anchor, Button, Group, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { usePages, useTenant } from '../api/client.ts';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { Time } from '../components/time.tsx';
import { listGroups } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';

/** Searches groups. */
export function GroupsPage() {
  const texts = useTexts();
  const format = useFormat();
  const tenant = useTenant();
  const [params, setParams] = useSearchParams();
  const asked = params.get('q') ?? '';
  const [text, setText] = useState(asked);
  const state = usePages(listGroups, {
    query: asked === '' ? { limit: 50 } : { limit: 50, groupName: asked },
  });
  const groups = state.data?.pages.flatMap((page) => page.groups) ?? [];

  function search(event: FormEvent): void {
    event.preventDefault();
    const wanted = text.trim();
    setParams(wanted === '' ? {} : { q: wanted });
  }

  return (
    <Page title={texts.groups.title}>
      <form onSubmit={search}>
        <Group align="flex-end" gap="xs">
          <TextInput
            label={texts.groups.searchLabel}
            type="search"
            maxLength={128}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            data-search
          />
          <Button type="submit">{texts.search}</Button>
        </Group>
      </form>
      <List
        label={texts.groups.title}
        entries={groups}
        keyOf={({ groupID }) => groupID}
        state={state}
        columns={[
          {
            title: texts.groups.name,
            cell: ({ groupID, groupName }) => (
              <Anchor
                component={Link}
                href={`/${encodeURIComponent(tenant)}/groups/${encodeURIComponent(groupID)}`}
                size="sm"
                className="breaks"
              >
                {groupName || groupID}
              </Anchor>
            ),
          },
          { title: texts.groups.groupID, cell: ({ groupID }) => <span className="breaks">{groupID}</span> },
          {
            title: texts.groups.owner,
            cell: ({ ownerUserID }) => <span className="breaks">{ownerUserID}</span>,
          },
          { title: texts.groups.members, cell: ({ memberCount }) => format.number(memberCount) },
          { title: texts.groups.created, cell: ({ createTime }) => <Time ms={createTime} /> },
        ]}
      />
    </Page>
  );
}
