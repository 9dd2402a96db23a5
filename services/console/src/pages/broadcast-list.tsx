import type { Broadcast } from '@im/admin-api';
import { Badge, Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { tenantClient, useAct, usePages, useTenant } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { csvOf } from '../components/csv.ts';
import { IdLink } from '../components/id-link.tsx';
import { List } from '../components/list.tsx';
import { saveFile } from '../components/save-file.ts';
import { Time } from '../components/time.tsx';
import { cancelBroadcast, getBroadcast, listBroadcasts } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';

/** Between looks at those that run, ms. */
const AGAIN_MS = 2_000;
const PERCENT = 100;
const COLOURS = { running: 'indigo.8', done: 'teal.9', cancelled: 'gray.7' } as const;

/** Broadcasts with their progress, newest first. */
export function BroadcastList() {
  const texts = useTexts();
  const { broadcast: page } = texts;
  const [cancelled, setCancelled] = useState<Broadcast>();
  const { mutateAsync } = useAct(cancelBroadcast);
  const state = usePages(listBroadcasts, { query: { limit: 20 } }, true, (pages) =>
    pages.some(({ broadcasts }) => broadcasts.some(isRunning)) ? AGAIN_MS : false,
  );
  return (
    <>
      <List<Broadcast>
        label={page.list}
        entries={state.data?.pages.flatMap(({ broadcasts }) => broadcasts) ?? []}
        keyOf={({ broadcastID }) => broadcastID}
        state={state}
        columns={[
          { title: page.started, cell: ({ requestTime }) => <Time ms={requestTime} /> },
          { title: page.text, cell: (one) => <What broadcast={one} /> },
          { title: page.progress, cell: (one) => <Reached broadcast={one} /> },
          {
            title: page.state,
            cell: (one) =>
              isRunning(one) ? (
                <Button
                  size="compact-xs"
                  variant="default"
                  aria-label={`${page.cancel}: ${one.text.slice(0, 40)}`}
                  onClick={() => setCancelled(one)}
                >
                  {page.cancel}
                </Button>
              ) : (
                <Badge color={COLOURS[one.state]}>{page.states[one.state]}</Badge>
              ),
          },
        ]}
      />
      <ActDialog
        opened={cancelled !== undefined}
        onClose={() => setCancelled(undefined)}
        title={page.cancelTitle}
        body={page.cancelBody}
        action={page.cancel}
        reasonHelp={texts.reasonHelp}
        act={(reason) =>
          mutateAsync({ params: { broadcastID: cancelled?.broadcastID ?? '' }, body: { reason } })
        }
      />
    </>
  );
}

function isRunning({ state }: Broadcast): boolean {
  return state === 'running';
}

function What({ broadcast: { text, senderID, toAll } }: { readonly broadcast: Broadcast }) {
  const { broadcast: page } = useTexts();
  return (
    <Stack gap={2} maw={360}>
      <Text size="sm" lineClamp={2} className="breaks">
        {text}
      </Text>
      <Group gap={4}>
        <IdLink page="users" id={senderID} />
        <Text size="xs" c="dimmed">
          → {toAll ? page.all : page.some}
        </Text>
      </Group>
    </Stack>
  );
}

function Reached({ broadcast }: { readonly broadcast: Broadcast }) {
  const { broadcast: page } = useTexts();
  const format = useFormat();
  const tenant = useTenant();
  const { broadcastID, sent, skipped, failed, total, error } = broadcast;

  async function saveFailed(): Promise<void> {
    const answer = await tenantClient(tenant).call(getBroadcast, { params: { broadcastID } });
    const rows = answer.broadcast.failedUserIDs.map((id) => [id]);
    saveFile(`${tenant}-broadcast-failed.csv`, csvOf(['userID'], rows), 'text/csv');
  }

  return (
    <Stack gap={4} miw={160}>
      <Text size="sm">
        {page.sent(format.number(sent), format.number(total))}
        {skipped > 0 && `, ${page.skipped(format.number(skipped))}`}
        {failed > 0 && `, ${page.failed(format.number(failed))}`}
      </Text>
      {isRunning(broadcast) && (
        <Progress
          value={Math.min(PERCENT, ((sent + skipped + failed) / Math.max(1, total)) * PERCENT)}
          color="indigo.8"
          aria-label={page.progress}
        />
      )}
      {isRunning(broadcast) && error !== '' && (
        <Text size="xs" role="note">
          {page.waits(error)}
        </Text>
      )}
      {failed > 0 && (
        <Button size="compact-xs" variant="default" onClick={() => void saveFailed()}>
          {page.saveFailed}
        </Button>
      )}
    </Stack>
  );
}
