import type { User } from '@im/admin-api';
import { Alert, Button, Checkbox, Radio, Select, Skeleton, Stack } from '@mantine/core';
import { useState } from 'react';
import { useAct, useAnswer } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { Copyable } from '../components/copyable.tsx';
import { Facts } from '../components/facts.tsx';
import { Failure } from '../components/failure.tsx';
import { Page } from '../components/page.tsx';
import { Time } from '../components/time.tsx';
import { banUser, deleteUser, getUser, getUserDeletion, logoutUser, unbanUser } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { useMay } from '../session/session.ts';
import { AuditList } from './audit-list.tsx';
import { GroupsOfUser } from './groups-of-user.tsx';
import { UserState } from './users.tsx';

type Act = 'ban' | 'unban' | 'logout' | 'delete';

/** One user, and what can be done about them. */
export function UserPage({ id: userID }: { readonly id: string }) {
  const texts = useTexts();
  const format = useFormat();
  const may = useMay();
  const [act, setAct] = useState<Act>();
  const { data, error, refetch } = useAnswer(getUser, { params: { userID } });
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton height={200} />;
  const { user, onlinePlatformIDs } = data;
  const { ban } = user;
  const close = () => setAct(undefined);
  const platformName = (id: number) => texts.platforms[id] ?? String(id);
  return (
    <Page
      title={user.nickname || userID}
      actions={
        !user.deleted && (
          <>
            {may(logoutUser) && (
              <Button variant="default" onClick={() => setAct('logout')}>
                {texts.users.logout.action}
              </Button>
            )}
            {may(banUser) && !ban && (
              <Button variant="default" onClick={() => setAct('ban')}>
                {texts.users.ban.action}
              </Button>
            )}
            {may(unbanUser) && ban && (
              <Button variant="default" onClick={() => setAct('unban')}>
                {texts.users.unban.action}
              </Button>
            )}
            {may(deleteUser) && (
              <Button color="red.9" onClick={() => setAct('delete')}>
                {texts.users.delete.action}
              </Button>
            )}
          </>
        )
      }
    >
      {ban && (
        <Alert color="red" variant="outline" role="status">
          {ban.untilTime === 0
            ? texts.users.ban.forever
            : texts.users.ban.until(format.dateTime(ban.untilTime))}
          {ban.reason !== '' && `: ${ban.reason}`}
        </Alert>
      )}
      {user.deleted && <Deletion userID={userID} />}
      <Facts
        facts={[
          [texts.users.userID, <Copyable key="id" value={userID} />],
          [texts.users.state, <UserState key="state" user={user} />],
          [
            texts.users.online,
            onlinePlatformIDs.length === 0
              ? texts.users.offline
              : onlinePlatformIDs.map(platformName).join(', '),
          ],
          [texts.users.created, <Time key="created" ms={user.createTime} />],
          [texts.users.level, texts.users.levels[user.level] ?? String(user.level)],
          [texts.users.ex, user.ex],
        ]}
      />
      <GroupsOfUser userID={userID} />
      <AuditList title={texts.users.history} query={{ targetKind: 'user', targetID: userID }} />
      <BanDialog user={user} opened={act === 'ban'} onClose={close} />
      <UnbanDialog user={user} opened={act === 'unban'} onClose={close} />
      <LogoutDialog user={user} opened={act === 'logout'} onClose={close} />
      <DeleteDialog user={user} opened={act === 'delete'} onClose={close} />
    </Page>
  );
}

function Deletion({ userID }: { readonly userID: string }) {
  const texts = useTexts();
  const { data } = useAnswer(getUserDeletion, { params: { userID } });
  if (!data) return null;
  return (
    <Alert variant="outline" color="gray" role="status">
      {texts.users.delete.progress}: {data.deletion.state}
    </Alert>
  );
}

interface DialogProps {
  readonly user: User;
  readonly opened: boolean;
  onClose(): void;
}

const HOUR = 3_600_000;
const LENGTHS = { hour: HOUR, day: 24 * HOUR, week: 168 * HOUR, month: 720 * HOUR, ever: 0 } as const;
type Length = keyof typeof LENGTHS;

function BanDialog({ user: { userID, nickname }, ...dialog }: DialogProps) {
  const texts = useTexts();
  const { mutateAsync } = useAct(banUser);
  const [length, setLength] = useState<Length>('day');
  const { ban } = texts.users;
  return (
    <ActDialog
      {...dialog}
      title={ban.title(nickname || userID)}
      body={ban.body}
      action={ban.action}
      destructive
      reasonHelp={ban.reasonHelp}
      act={(reason) => {
        const untilTime = LENGTHS[length] === 0 ? 0 : Date.now() + LENGTHS[length];
        return mutateAsync({ params: { userID }, body: { untilTime, reason } });
      }}
    >
      <Select
        label={ban.length}
        data={Object.entries(ban.lengths).map(([value, label]) => ({ value, label }))}
        value={length}
        allowDeselect={false}
        onChange={(value) => value !== null && setLength(value as Length)}
      />
    </ActDialog>
  );
}

function UnbanDialog({ user: { userID, nickname }, ...dialog }: DialogProps) {
  const texts = useTexts();
  const { mutateAsync } = useAct(unbanUser);
  const { unban } = texts.users;
  return (
    <ActDialog
      {...dialog}
      title={unban.title(nickname || userID)}
      body={unban.body}
      action={unban.action}
      reasonHelp={texts.reasonHelp}
      act={(reason) => mutateAsync({ params: { userID }, query: { reason } })}
    />
  );
}

function LogoutDialog({ user: { userID, nickname }, ...dialog }: DialogProps) {
  const texts = useTexts();
  const { mutateAsync } = useAct(logoutUser);
  const [platform, setPlatform] = useState('');
  const { logout } = texts.users;
  return (
    <ActDialog
      {...dialog}
      title={logout.title(nickname || userID)}
      body={logout.body}
      action={logout.action}
      reasonHelp={texts.reasonHelp}
      act={(reason) => {
        const platformID = platform === '' ? undefined : Number(platform);
        return mutateAsync({ params: { userID }, body: { platformID, reason } });
      }}
    >
      <Select
        label={logout.platform}
        data={[
          { value: '', label: logout.all },
          ...Object.entries(texts.platforms).map(([value, label]) => ({ value, label })),
        ]}
        value={platform}
        allowDeselect={false}
        onChange={(value) => setPlatform(value ?? '')}
      />
    </ActDialog>
  );
}

function DeleteDialog({ user: { userID, nickname }, ...dialog }: DialogProps) {
  const texts = useTexts();
  const { mutateAsync } = useAct(deleteUser);
  const [mode, setMode] = useState<'delete' | 'anonymize'>('delete');
  const [erase, setErase] = useState(false);
  const texted = texts.users.delete;
  return (
    <ActDialog
      {...dialog}
      title={texted.title(nickname || userID)}
      body={texted.body}
      action={texted.action}
      destructive
      typed={userID}
      reasonHelp={texts.reasonHelp}
      act={(reason) => mutateAsync({ params: { userID }, body: { mode, erase, reason } })}
    >
      <Radio.Group
        label={texted.mode}
        value={mode}
        onChange={(value) => setMode(value === 'anonymize' ? 'anonymize' : 'delete')}
      >
        <Stack gap="xs" mt="xs">
          <Radio value="delete" label={texted.remove} />
          <Radio value="anonymize" label={texted.anonymize} />
        </Stack>
      </Radio.Group>
      <Checkbox
        label={texted.erase}
        checked={erase}
        onChange={(event) => setErase(event.currentTarget.checked)}
      />
    </ActDialog>
  );
}
