import type { Connection } from '@im/admin-api';
import { Alert, Button, Group, Select, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'wouter';
import { useAct, useAnswer, usePages } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { IdLink } from '../components/id-link.tsx';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { Time } from '../components/time.tsx';
import { countConnections, kickConnection, listConnections } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { useMay } from '../session/session.ts';

/** Filters, as they are named in the address of the page. */
const FIELDS = ['userID', 'address', 'gatewayID'] as const;

/** Who is connected, by gateway. */
export function ConnectionsPage() {
  const { connections: texts, platforms, search } = useTexts();
  const format = useFormat();
  const may = useMay();
  const [params, setParams] = useSearchParams();
  const [filters, setFilters] = useState<Readonly<Record<string, string>>>(() => Object.fromEntries(params));
  const [kicking, setKicking] = useState<Connection>();
  const { mutateAsync } = useAct(kickConnection);
  const { data: counts } = useAnswer(countConnections, {});
  const given = (name: string) => params.get(name) || undefined;
  const platform = Number(given('platformID') ?? 0);
  const state = usePages(listConnections, {
    query: {
      limit: 50,
      ...Object.fromEntries(FIELDS.map((name) => [name, given(name)])),
      ...(platform > 0 && { platformID: platform }),
    },
  });
  const pages = state.data?.pages ?? [];
  const silent = [...new Set(pages.flatMap(({ silentGatewayIDs }) => silentGatewayIDs))];
  const filled = (name: string) => filters[name] ?? '';

  function find(event: FormEvent): void {
    event.preventDefault();
    const wanted = Object.entries(filters).map(([name, value]) => [name, value.trim()]);
    setParams(Object.fromEntries(wanted.filter(([, value]) => value !== '')));
  }
  const set = (name: string, value: string) => setFilters((before) => ({ ...before, [name]: value }));

  return (
    <Page title={texts.title}>
      {counts && (
        <Text size="sm" c="dimmed" role="status">
          {texts.total(format.number(counts.connections), format.number(counts.users))}
        </Text>
      )}
      <form onSubmit={find}>
        <Group align="flex-end" gap="xs">
          <TextInput
            label={texts.userID}
            maxLength={2_048}
            value={filled('userID')}
            onChange={(event) => set('userID', event.currentTarget.value)}
            data-search
          />
          <Select
            label={texts.platform}
            w={150}
            data={[
              { value: '', label: texts.anyPlatform },
              ...Object.entries(platforms).map(([value, label]) => ({ value, label })),
            ]}
            value={filled('platformID')}
            allowDeselect={false}
            onChange={(value) => set('platformID', value ?? '')}
          />
          <TextInput
            label={texts.gateway}
            maxLength={512}
            value={filled('gatewayID')}
            onChange={(event) => set('gatewayID', event.currentTarget.value)}
          />
          <TextInput
            label={texts.address}
            placeholder="10.0.0.0/8"
            maxLength={64}
            value={filled('address')}
            onChange={(event) => set('address', event.currentTarget.value)}
          />
          <Button type="submit">{search}</Button>
        </Group>
      </form>
      {silent.length > 0 && (
        <Alert color="red" variant="outline" role="alert">
          {texts.silent(silent.join(', '))}
        </Alert>
      )}
      <List
        label={texts.title}
        entries={pages.flatMap((page) => page.connections)}
        keyOf={({ gatewayID, connectionID }) => `${gatewayID} ${connectionID}`}
        state={state}
        columns={[
          { title: texts.user, cell: ({ userID }) => <IdLink page="users" id={userID} /> },
          {
            title: texts.platform,
            cell: ({ platformID }) => platforms[platformID] ?? String(platformID),
          },
          { title: texts.gateway, cell: ({ gatewayID }) => <span className="breaks">{gatewayID}</span> },
          { title: texts.address, cell: ({ address }) => address },
          { title: texts.opened, cell: ({ openTime }) => <Time ms={openTime} /> },
          { title: texts.seen, cell: ({ lastSeenTime }) => <Time ms={lastSeenTime} /> },
          {
            title: texts.state,
            cell: ({ isBackground }) => (isBackground ? texts.background : texts.foreground),
          },
          { title: texts.queued, cell: ({ queuedBytes }) => format.number(queuedBytes) },
          ...(may(kickConnection)
            ? [
                {
                  title: texts.kick.action,
                  cell: (connection: Connection) => (
                    <Button
                      size="compact-xs"
                      variant="default"
                      aria-label={texts.kick.title(connection.userID)}
                      onClick={() => setKicking(connection)}
                    >
                      {texts.kick.action}
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
      />
      <KickDialog connection={kicking} onClose={() => setKicking(undefined)} kick={mutateAsync} />
    </Page>
  );
}

interface KickProps {
  readonly connection: Connection | undefined;
  onClose(): void;
  kick: ReturnType<typeof useAct<typeof kickConnection>>['mutateAsync'];
}

function KickDialog({ connection, onClose, kick }: KickProps) {
  const { connections: texts, reasonHelp } = useTexts();
  const { userID = '', connectionID = '' } = connection ?? {};
  return (
    <ActDialog
      opened={connection !== undefined}
      onClose={onClose}
      title={texts.kick.title(userID)}
      body={texts.kick.body}
      action={texts.kick.action}
      destructive
      typed={userID}
      reasonHelp={reasonHelp}
      act={(reason) => kick({ params: { userID, connectionID }, query: { reason } })}
    />
  );
}
