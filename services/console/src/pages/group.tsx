import { Button, Skeleton, Stack, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import { useAct, useAnswer, usePages, useTenant } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { Copyable } from '../components/copyable.tsx';
import { Facts } from '../components/facts.tsx';
import { Failure } from '../components/failure.tsx';
import { IdLink } from '../components/id-link.tsx';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { Time } from '../components/time.tsx';
import { dismissGroup, getGroup, listGroupMembers, searchMessages } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { useMay } from '../session/session.ts';

const DISMISSED = 2;

/** One group with its members. */
export function GroupPage({ id: groupID }: { readonly id: string }) {
  const texts = useTexts();
  const format = useFormat();
  const tenant = useTenant();
  const may = useMay();
  const [dismissing, setDismissing] = useState(false);
  const { data, error, refetch } = useAnswer(getGroup, { params: { groupID } });
  const { mutateAsync } = useAct(dismissGroup);
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton height={200} />;
  const { group } = data;
  const name = group.groupName || groupID;
  const isDismissed = group.status === DISMISSED;
  return (
    <Page
      title={name}
      actions={
        <>
          {may(searchMessages) && (
            <Button
              variant="default"
              component={Link}
              href={`/${encodeURIComponent(tenant)}/messages?groupID=${encodeURIComponent(groupID)}`}
            >
              {texts.groups.readMessages}
            </Button>
          )}
          {may(dismissGroup) && !isDismissed && (
            <Button color="red.9" onClick={() => setDismissing(true)}>
              {texts.groups.dismiss.action}
            </Button>
          )}
        </>
      }
    >
      <Facts
        facts={[
          [texts.groups.groupID, <Copyable key="id" value={groupID} />],
          [texts.groups.status, texts.groups.statuses[group.status] ?? String(group.status)],
          [texts.groups.owner, group.ownerUserID],
          [texts.groups.members, format.number(group.memberCount)],
          [texts.groups.created, <Time key="created" ms={group.createTime} />],
          [texts.groups.introduction, group.introduction],
          [texts.groups.announcement, group.notification],
        ]}
      />
      {!isDismissed && <Members groupID={groupID} />}
      <ActDialog
        opened={dismissing}
        onClose={() => setDismissing(false)}
        title={texts.groups.dismiss.title(name)}
        body={texts.groups.dismiss.body}
        action={texts.groups.dismiss.action}
        destructive
        typed={name}
        reasonHelp={texts.reasonHelp}
        act={(reason) => mutateAsync({ params: { groupID }, query: { reason } })}
      />
    </Page>
  );
}

function Members({ groupID }: { readonly groupID: string }) {
  const texts = useTexts();
  const state = usePages(listGroupMembers, { params: { groupID }, query: { limit: 50 } });
  const members = state.data?.pages.flatMap((page) => page.members) ?? [];
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        {texts.groups.members}
      </Title>
      <List
        label={texts.groups.members}
        entries={members}
        keyOf={({ userID }) => userID}
        state={state}
        columns={[
          {
            title: texts.users.userID,
            cell: ({ userID }) => <IdLink page="users" id={userID} />,
          },
          { title: texts.users.nickname, cell: ({ nickname }) => <span className="breaks">{nickname}</span> },
          {
            title: texts.groups.role,
            cell: ({ roleLevel }) => texts.groups.memberRoles[roleLevel] ?? String(roleLevel),
          },
          { title: texts.groups.joined, cell: ({ joinTime }) => <Time ms={joinTime} /> },
          {
            title: texts.groups.mutedUntil,
            cell: ({ muteEndTime }) => <Time ms={muteEndTime > Date.now() ? muteEndTime : 0} />,
          },
        ]}
      />
    </Stack>
  );
}
