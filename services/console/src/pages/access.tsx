import { ALL_TENANTS, CONSOLE_ROLES, type ConsoleRole, type ConsoleSession } from '@im/admin-api';
import { Button, Group, Modal, Select, Stack, Text, TextInput, Title } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useAct, usePages, useTenant } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { Copyable } from '../components/copyable.tsx';
import { Failure } from '../components/failure.tsx';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { Time } from '../components/time.tsx';
import { createConsoleLogin, endConsoleSession, listConsoleSessions } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { useSession } from '../session/session.ts';

/** Who has a session, and login links for others. */
export function AccessPage() {
  const texts = useTexts();
  const tenant = useTenant();
  const { session: own } = useSession();
  const [inviting, setInviting] = useState(false);
  const [ending, setEnding] = useState<ConsoleSession>();
  const state = usePages(listConsoleSessions, { query: { limit: 50 } });
  const { mutateAsync } = useAct(endConsoleSession);
  const sessions = state.data?.pages.flatMap((page) => page.sessions) ?? [];
  const roleOf = ({ grants }: ConsoleSession) =>
    grants.find((grant) => grant.tenant === tenant || grant.tenant === ALL_TENANTS)?.role;
  return (
    <Page
      title={texts.access.title}
      actions={<Button onClick={() => setInviting(true)}>{texts.access.invite.action}</Button>}
    >
      <Title order={2} size="h4">
        {texts.access.sessions}
      </Title>
      <List
        label={texts.access.sessions}
        entries={sessions}
        keyOf={({ sessionID }) => sessionID}
        state={state}
        columns={[
          {
            title: texts.access.name,
            cell: ({ name, sessionID }) => (
              <span className="breaks">
                {name}
                {sessionID === own.sessionID && ` (${texts.access.own})`}
              </span>
            ),
          },
          {
            title: texts.access.role,
            cell: (session) => {
              const role = roleOf(session);
              return role === undefined ? '–' : texts.roles[role];
            },
          },
          { title: texts.access.opened, cell: ({ createTime }) => <Time ms={createTime} /> },
          { title: texts.access.seen, cell: ({ seenTime }) => <Time ms={seenTime} /> },
          { title: texts.access.ends, cell: ({ expireTime }) => <Time ms={expireTime} /> },
          { title: texts.access.address, cell: ({ address }) => address },
          {
            title: texts.access.end,
            cell: (session) => (
              <Button
                size="compact-xs"
                variant="default"
                aria-label={texts.access.endTitle(session.name)}
                onClick={() => setEnding(session)}
              >
                {texts.access.end}
              </Button>
            ),
          },
        ]}
      />
      <Modal
        opened={inviting}
        onClose={() => setInviting(false)}
        title={texts.access.invite.title}
        closeButtonProps={{ 'aria-label': texts.close }}
      >
        <Invitation />
      </Modal>
      <ActDialog
        opened={ending !== undefined}
        onClose={() => setEnding(undefined)}
        title={texts.access.endTitle(ending?.name ?? '')}
        body={texts.access.endBody}
        action={texts.access.end}
        destructive
        act={() => mutateAsync({ params: { sessionID: ending?.sessionID ?? '' } })}
      />
    </Page>
  );
}

function Invitation() {
  const texts = useTexts();
  const { invite } = texts.access;
  const [name, setName] = useState('');
  const [role, setRole] = useState<ConsoleRole>('viewer');
  const { mutate, data, error, isPending } = useAct(createConsoleLogin);

  function submit(event: FormEvent): void {
    event.preventDefault();
    mutate({ body: { name: name.trim(), role } });
  }

  if (data)
    return (
      <Stack>
        <Text size="sm">{invite.body}</Text>
        <div>
          <Text size="sm" fw={500}>
            {invite.link}
          </Text>
          <Copyable value={new URL(`#login=${data.token}`, document.baseURI).href} />
        </div>
      </Stack>
    );
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{invite.body}</Text>
        <TextInput
          label={invite.name}
          required
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Select
          label={invite.role}
          description={texts.access.rights[role]}
          data={CONSOLE_ROLES.map((value) => ({ value, label: texts.roles[value] }))}
          value={role}
          allowDeselect={false}
          onChange={(value) => value !== null && setRole(value as ConsoleRole)}
        />
        {error && <Failure error={error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={isPending}>
            {invite.create}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
