import { Button, Group, Paper, Radio, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useAct, useTenant } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { Failure } from '../components/failure.tsx';
import { startBroadcast } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';

/** Users who are named in the form. */
const MOST_NAMED = 500;

interface Counted {
  readonly receivers: number;
  readonly unknown: readonly string[];
}

/** Asks for sender, receivers and text, counts the receivers, and begins the broadcast. */
export function BroadcastForm() {
  const texts = useTexts();
  const { broadcast: page } = texts;
  const format = useFormat();
  const tenant = useTenant();
  const [senderID, setSenderID] = useState('');
  const [text, setText] = useState('');
  const [to, setTo] = useState<'all' | 'some'>('some');
  const [ids, setIDs] = useState('');
  const [counted, setCounted] = useState<Counted>();
  /** The same when a lost answer is asked for again. */
  const [broadcastID, setBroadcastID] = useState('');
  const counting = useAct(startBroadcast);
  const sending = useAct(startBroadcast);

  const userIDs = [...new Set(ids.split(/\s+/).filter((id) => id !== ''))];
  const isTooMany = to === 'some' && userIDs.length > MOST_NAMED;
  const isComplete =
    senderID.trim() !== '' && text.trim() !== '' && (to === 'all' || (userIDs.length > 0 && !isTooMany));
  const wanted = { senderID: senderID.trim(), text, ...(to === 'some' && { userIDs }) };
  const total = counted?.receivers ?? 0;

  /** Whatever is changed must be counted again. */
  function change(set: () => void): void {
    set();
    setCounted(undefined);
  }

  async function count(): Promise<void> {
    const answer = await counting.mutateAsync({ body: { ...wanted, broadcastID: 'count', dryRun: true } });
    setCounted({ receivers: answer.receivers, unknown: answer.unknownUserIDs });
  }

  async function send(reason: string): Promise<void> {
    await sending.mutateAsync({ body: { ...wanted, broadcastID, reason } });
    setBroadcastID('');
    setCounted(undefined);
    setText('');
  }

  return (
    <Stack maw={640}>
      {counting.error && <Failure error={counting.error} />}
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
        <Button
          variant="default"
          disabled={!isComplete}
          loading={counting.isPending}
          onClick={() => void count().catch(() => {})}
        >
          {page.count}
        </Button>
        <Button disabled={!counted || total === 0} onClick={() => setBroadcastID(crypto.randomUUID())}>
          {page.send}
        </Button>
      </Group>
      <ActDialog
        opened={broadcastID !== ''}
        onClose={() => setBroadcastID('')}
        title={page.sendTitle}
        body={page.sendBody(format.number(total))}
        action={page.send}
        typed={to === 'all' ? tenant : undefined}
        reasonHelp={texts.reasonHelp}
        quiet
        act={send}
      />
    </Stack>
  );
}
