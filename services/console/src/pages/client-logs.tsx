import type { ClientLog } from '@im/admin-api';
import { Anchor, Button, Text } from '@mantine/core';
import { useState } from 'react';
import { useAct, usePages } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { IdLink } from '../components/id-link.tsx';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { SearchForm, useSearched } from '../components/search-form.tsx';
import { Time } from '../components/time.tsx';
import { deleteClientLog, listClientLogs } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { useMay } from '../session/session.ts';

/** Clients name the URL: nothing but web addresses becomes a link. */
function isWebURL(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

/** Log files that clients uploaded. */
export function ClientLogsPage() {
  const { clientLogs: texts, reasonHelp } = useTexts();
  const may = useMay();
  const asked = useSearched();
  const [removing, setRemoving] = useState<ClientLog>();
  const { mutateAsync } = useAct(deleteClientLog);
  const state = usePages(listClientLogs, { query: { limit: 50, ...(asked !== '' && { keyword: asked }) } });

  return (
    <Page title={texts.title}>
      <Text size="sm" c="dimmed">
        {texts.explained}
      </Text>
      <SearchForm label={texts.keyword} />
      <List<ClientLog>
        label={texts.title}
        entries={state.data?.pages.flatMap(({ logs }) => logs) ?? []}
        keyOf={({ logID }) => logID}
        state={state}
        columns={[
          { title: texts.user, cell: ({ userID }) => <IdLink page="users" id={userID} /> },
          { title: texts.platform, cell: ({ platform }) => platform },
          {
            title: texts.version,
            cell: ({ framework, version }) => (
              <span className="breaks">{`${framework} ${version}`.trim() || '–'}</span>
            ),
          },
          { title: texts.uploaded, cell: ({ createTime }) => <Time ms={createTime} /> },
          {
            title: texts.file,
            cell: ({ filename, url }) =>
              isWebURL(url) ? (
                <Anchor href={url} size="sm" target="_blank" rel="noopener noreferrer" className="breaks">
                  {texts.download}: {filename}
                </Anchor>
              ) : (
                <span className="breaks">{filename}</span>
              ),
          },
          ...(may(deleteClientLog)
            ? [
                {
                  title: texts.remove.action,
                  cell: (log: ClientLog) => (
                    <Button
                      size="compact-xs"
                      variant="default"
                      aria-label={texts.remove.title(log.filename)}
                      onClick={() => setRemoving(log)}
                    >
                      {texts.remove.action}
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
      />
      <ActDialog
        opened={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={texts.remove.title(removing?.filename ?? '')}
        body={texts.remove.body}
        action={texts.remove.action}
        destructive
        reasonHelp={reasonHelp}
        act={(reason) => mutateAsync({ params: { logID: removing?.logID ?? '' }, query: { reason } })}
      />
    </Page>
  );
}
