import { Stack, Title } from '@mantine/core';
import { usePages } from '../api/client.ts';
import { IdLink } from '../components/id-link.tsx';
import { List } from '../components/list.tsx';
import { Time } from '../components/time.tsx';
import { listUserGroups } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';

/** The groups that a user is in. */
export function GroupsOfUser({ userID }: { readonly userID: string }) {
  const texts = useTexts();
  const format = useFormat();
  const state = usePages(listUserGroups, { params: { userID }, query: { limit: 50 } });
  const groups = state.data?.pages.flatMap((page) => page.groups) ?? [];
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {texts.users.groups}
      </Title>
      <List
        label={texts.users.groups}
        entries={groups}
        keyOf={({ groupID }) => groupID}
        state={state}
        columns={[
          {
            title: texts.groups.name,
            cell: ({ groupID, groupName }) => <IdLink page="groups" id={groupID} name={groupName} />,
          },
          { title: texts.groups.members, cell: ({ memberCount }) => format.number(memberCount) },
          { title: texts.groups.created, cell: ({ createTime }) => <Time ms={createTime} /> },
        ]}
      />
    </Stack>
  );
}
