import type { User } from '@im/admin-api';
import { Badge } from '@mantine/core';
import { usePages } from '../api/client.ts';
import { IdLink } from '../components/id-link.tsx';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { SearchForm, useSearched } from '../components/search-form.tsx';
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
  const asked = useSearched();
  const query = asked === '' ? { limit: 50 } : { limit: 50, userID: asked, nickname: asked };
  const state = usePages(listUsers, { query });
  const users = state.data?.pages.flatMap((page) => page.users) ?? [];

  return (
    <Page title={texts.users.title}>
      <SearchForm label={texts.users.searchLabel} />
      <List
        label={texts.users.title}
        entries={users}
        keyOf={({ userID }) => userID}
        state={state}
        columns={[
          {
            title: texts.users.userID,
            cell: ({ userID }) => <IdLink page="users" id={userID} />,
          },
          { title: texts.users.nickname, cell: ({ nickname }) => <span className="breaks">{nickname}</span> },
          { title: texts.users.state, cell: (user) => <UserState user={user} /> },
          { title: texts.users.created, cell: ({ createTime }) => <Time ms={createTime} /> },
        ]}
      />
    </Page>
  );
}
