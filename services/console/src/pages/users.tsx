import type { User } from '@im/admin-api';
import { Anchor, Badge, Button, Group, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { usePages, useTenant } from '../api/client.ts';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { Time } from '../components/time.tsx';
import { listUsers } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';

/** Whether a user is banned or deleted. */
export function UserState({ user }: { readonly user: Pick<User, 'ban' | 'deleted'> }) {
  const texts = useTexts();
  if (user.deleted) return <Badge color="gray.7">{texts.users.deleted}</Badge>;
  if (user.ban) return <Badge color="red.9">{texts.users.banned}</Badge>;
  return <Badge color="teal.9">{texts.users.active}</Badge>;
}

/** Searches users. */
export function UsersPage() {
  const texts = useTexts();
  const tenant = useTenant();
  const [params, setParams] = useSearchParams();
  const asked = params.get('q') ?? '';
  const [text, setText] = useState(asked);
  const query = asked === '' ? { limit: 50 } : { limit: 50, userID: asked, nickname: asked };
  const state = usePages(listUsers, { query });
  const users = state.data?.pages.flatMap((page) => page.users) ?? [];

  function search(event: FormEvent): void {
    event.preventDefault();
    const wanted = text.trim();
    setParams(wanted === '' ? {} : { q: wanted });
  }

  return (
    <Page title={texts.users.title}>
      <form onSubmit={search}>
        <Group align="flex-end" gap="xs">
          <TextInput
            label={texts.users.searchLabel}
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
        label={texts.users.title}
        entries={users}
        keyOf={({ userID }) => userID}
        state={state}
        columns={[
          {
            title: texts.users.userID,
            cell: ({ userID }) => (
              <Anchor
                component={Link}
                href={`/${encodeURIComponent(tenant)}/users/${encodeURIComponent(userID)}`}
                size="sm"
                className="breaks"
              >
                {userID}
              </Anchor>
            ),
          },
          { title: texts.users.nickname, cell: ({ nickname }) => <span className="breaks">{nickname}</span> },
          { title: texts.users.state, cell: (user) => <UserState user={user} /> },
          { title: texts.users.created, cell: ({ createTime }) => <Time ms={createTime} /> },
        ]}
      />
    </Page>
  );
}
