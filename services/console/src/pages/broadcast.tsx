import { Button, Group, Paper, Progress, Radio, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useRef, useState } from 'react';
import { tenantClient, useTenant } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { csvOf } from '../components/csv.ts';
import { Failure } from '../components/failure.tsx';
import { Page } from '../components/page.tsx';
import { saveFile } from '../components/save-file.ts';
import { sendBroadcast } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';

/** Receivers of one request. */
const PAGE = 200;
/** Users who are named in the form. */
const MOST_NAMED = 500;
const PERCENT = 100;

interface Counted {
  readonly receivers: number;
  readonly unknown: readonly string[];
}

/** How far a broadcast is. */
interface Sending {
  readonly broadcastID: string;
  readonly reason: string;
  readonly sent: number;
  readonly failed: readonly string[];
  /** Where it goes on; undefined at its end. */
  readonly cursor: string | undefined;
  readonly ended: boolean;
}

/** Sends a text to many users, after a dry run, page by page. */
export function BroadcastPage() {
  const texts = useTexts();
  const { broadcast: page } = texts;
  const format = useFormat();
  const tenant = useTenant();
  const [senderID, setSenderID] = useState('');
  const [text, setText] = useState('');
  const [to, setTo] = useState<'all' | 'some'>('some');
  const [ids, setIDs] = useState('');
  const [counted, setCounted] = useState<Counted>();
  const [sending, setSending] = useState<Sending>();
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<unknown>();
  const stopped = useRef(false);

  const userIDs = [...new Set(ids.split(/\s+/).filter((id) => id !== ''))];
  const isTooMany = to === 'some' && userIDs.length > MOST_NAMED;
  const isComplete =
    senderID.trim() !== '' && text.trim() !== '' && (to === 'all' || (userIDs.length > 0 && !isTooMany));

  /** Whatever is changed must be counted again. */
  function change(set: () => void): void {
    set();
    setCounted(undefined);
  }

  const call = (body: { broadcastID: string; reason: string; dryRun: boolean; cursor: string | undefined }) =>
    tenantClient(tenant).call(sendBroadcast, {
      body: {
        ...{ broadcastID: body.broadcastID, reason: body.reason, dryRun: body.dryRun },
        ...{ senderID: senderID.trim(), text, limit: PAGE },
        ...(to === 'some' && { userIDs }),
        ...(body.cursor !== undefined && { cursor: body.cursor }),
      },
    });

  async function run(work: () => Promise<void>): Promise<void> {
    setError(undefined);
    setBusy(true);
    stopped.current = false;
    try {
      await work();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }

  const count = () =>
    run(async () => {
      let receivers = 0;
      const unknown: string[] = [];
      let cursor: string | undefined;
      do {
        const answer = await call({ broadcastID: 'count', reason: '', dryRun: true, cursor });
        receivers += answer.receivers;
        unknown.push(...answer.unknownUserIDs);
        cursor = answer.nextCursor;
      } while (cursor !== undefined && !stopped.current);
      if (!stopped.current) setCounted({ receivers, unknown });
    });

  const send = (from: Sending) =>
    run(async () => {
      let now = from;
      setSending(now);
      do {
        const answer = await call({ ...now, dryRun: false });
        const failed = [...now.failed, ...answer.failed.map(({ userID }) => userID)];
        const cursor = answer.nextCursor;
        now = { ...now, sent: now.sent + answer.sent, failed, cursor, ended: cursor === undefined };
        setSending(now);
      } while (!now.ended && !stopped.current);
    });

  const total = counted?.receivers ?? 0;
  return (
    <Page title={page.title}>
      <Text size="sm" c="dimmed">
        {page.explained}
      </Text>
      {error !== undefined && <Failure error={error} />}
      {sending ? (
        <Stack gap="xs">
          <Progress
            value={(sending.sent / Math.max(1, total)) * PERCENT}
            color="indigo.8"
            aria-label={page.progress}
          />
          <Text role="status">
            {page.sent(format.number(sending.sent), format.number(total))}
            {sending.failed.length > 0 && `, ${page.failed(format.number(sending.failed.length))}`}
          </Text>
          <Text size="sm" c="dimmed">
            {sending.ended ? page.ended : page.keepOpen}
          </Text>
          <Group gap="xs">
            {busy && (
              <Button
                variant="default"
                onClick={() => {
                  stopped.current = true;
                }}
              >
                {page.stop}
              </Button>
            )}
            {!busy && !sending.ended && <Button onClick={() => void send(sending)}>{page.goOn}</Button>}
            {sending.failed.length > 0 && (
              <Button
                variant="default"
                onClick={() =>
                  saveFile(
                    `${tenant}-broadcast-failed.csv`,
                    csvOf(
                      ['userID'],
                      sending.failed.map((id) => [id]),
                    ),
                    'text/csv',
                  )
                }
              >
                {page.saveFailed}
              </Button>
            )}
            {!busy && sending.ended && (
              <Button
                variant="default"
                onClick={() => {
                  setSending(undefined);
                  setCounted(undefined);
                  setText('');
                }}
              >
                {page.another}
              </Button>
            )}
          </Group>
        </Stack>
      ) : (
        <Stack maw={640}>
          <TextInput
            label={page.sender}
            description={page.senderHelp}
            required
            maxLength={64}
            value={senderID}
            onChange={(event) => change(() => setSenderID(event.target.value))}
            data-search
          />
          <Radio.Group
            label={page.to}
            value={to}
            onChange={(value) => change(() => setTo(value === 'all' ? 'all' : 'some'))}
          >
            <Group mt="xs">
              <Radio value="some" label={page.some} />
              <Radio value="all" label={page.all} />
            </Group>
          </Radio.Group>
          {to === 'some' && (
            <Textarea
              label={page.ids}
              description={page.idsHelp(format.number(MOST_NAMED))}
              error={isTooMany && page.tooMany(format.number(MOST_NAMED))}
              autosize
              minRows={3}
              maxRows={10}
              value={ids}
              onChange={(event) => change(() => setIDs(event.target.value))}
            />
          )}
          <Textarea
            label={page.text}
            required
            maxLength={5_000}
            autosize
            minRows={3}
            maxRows={12}
            value={text}
            onChange={(event) => change(() => setText(event.target.value))}
          />
          {text.trim() !== '' && (
            <Paper withBorder p="sm" aria-label={page.preview} role="region">
              <Text size="xs" c="dimmed">
                {page.preview}
                {senderID.trim() !== '' && ` · ${senderID.trim()}`}
              </Text>
              <Text className="breaks content">{text}</Text>
            </Paper>
          )}
          {counted && (
            <Text role="status">
              {page.counted(format.number(total))}{' '}
              {counted.unknown.length > 0 && page.unknown(counted.unknown.join(', '))}
            </Text>
          )}
          <Group gap="xs">
            <Button variant="default" disabled={!isComplete} loading={busy} onClick={() => void count()}>
              {page.count}
            </Button>
            <Button disabled={!counted || total === 0 || busy} onClick={() => setAsking(true)}>
              {page.send}
            </Button>
          </Group>
        </Stack>
      )}
      <ActDialog
        opened={asking}
        onClose={() => setAsking(false)}
        title={page.sendTitle}
        body={page.sendBody(format.number(total))}
        action={page.send}
        typed={to === 'all' ? tenant : undefined}
        reasonHelp={texts.reasonHelp}
        quiet
        act={async (reason) => {
          setAsking(false);
          const broadcastID = crypto.randomUUID();
          void send({ broadcastID, reason, sent: 0, failed: [], cursor: undefined, ended: false });
        }}
      />
    </Page>
  );
}
