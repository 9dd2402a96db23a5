import type { Given, Message } from '@im/admin-api';
import {
  Alert,
  Badge,
  Button,
  Group,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'wouter';
import { useAct, usePages } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { Time } from '../components/time.tsx';
import { revokeMessage, searchMessages } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { useMay } from '../session/session.ts';
import { readableContent } from './message-content.ts';

/** Filters that are texts, in the order of the form. */
const FIELDS = ['conversationID', 'groupID', 'sendID', 'recvID', 'text'] as const;

/** What was asked. A reason is asked for each time that the page is opened: it is not kept in the address. */
type Asked = Given<typeof searchMessages>['query'];

function msOf(local: string): number | undefined {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Searches and reads messages, each time with a reason. */
export function MessagesPage() {
  const texts = useTexts();
  const format = useFormat();
  const may = useMay();
  const [params, setParams] = useSearchParams();
  const [filters, setFilters] = useState<Readonly<Record<string, string>>>(() => Object.fromEntries(params));
  const [reason, setReason] = useState('');
  const [missing, setMissing] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  const [revoking, setRevoking] = useState<Message>();
  const state = usePages(searchMessages, { query: { limit: 50, reason: '', ...asked } }, asked !== undefined);
  const { mutateAsync } = useAct(revokeMessage);
  const pages = state.data?.pages ?? [];
  const filled = (name: string) => filters[name] ?? '';
  const set = (name: string, value: string) => setFilters((before) => ({ ...before, [name]: value }));

  function search(event: FormEvent): void {
    event.preventDefault();
    setMissing(reason.trim() === '');
    if (reason.trim() === '') return;
    const given = Object.entries(filters).filter(([, value]) => value.trim() !== '');
    setParams(Object.fromEntries(given), { replace: true });
    const wanted = Object.fromEntries(FIELDS.map((name) => [name, filled(name).trim() || undefined]));
    setAsked({
      ...wanted,
      from: msOf(filled('from')),
      to: msOf(filled('to')),
      reason: reason.trim(),
    });
  }

  return (
    <Page title={texts.messages.title}>
      <Paper withBorder p="md">
        <form onSubmit={search} noValidate>
          <Stack>
            <Text size="sm">{texts.messages.audited}</Text>
            <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
              {FIELDS.map((name) => (
                <TextInput
                  key={name}
                  label={texts.messages[name]}
                  maxLength={2_048}
                  value={filled(name)}
                  onChange={(event) => set(name, event.currentTarget.value)}
                  data-search={name === 'conversationID' || undefined}
                />
              ))}
              <TextInput
                type="datetime-local"
                label={texts.messages.from}
                value={filled('from')}
                onChange={(event) => set('from', event.currentTarget.value)}
              />
              <TextInput
                type="datetime-local"
                label={texts.messages.to}
                value={filled('to')}
                onChange={(event) => set('to', event.currentTarget.value)}
              />
            </SimpleGrid>
            <Textarea
              label={texts.reason}
              description={texts.reasonHelp}
              required
              maxLength={1_000}
              autosize
              maxRows={4}
              value={reason}
              error={missing && texts.messages.reasonWanted}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
            <Group>
              <Button type="submit">{texts.search}</Button>
            </Group>
          </Stack>
        </form>
      </Paper>
      {asked === undefined ? (
        <Alert variant="outline" color="gray">
          {texts.messages.start}
        </Alert>
      ) : (
        <Stack gap="xs">
          {pages.length > 0 && (
            <Text size="sm" c="dimmed" role="status">
              {texts.messages.examined(format.number(pages.reduce((sum, { examined }) => sum + examined, 0)))}
            </Text>
          )}
          <List
            label={texts.messages.title}
            entries={pages.flatMap(({ messages }) => messages)}
            keyOf={({ conversationID, seq }) => `${conversationID} ${seq}`}
            state={state}
            columns={[
              { title: texts.messages.seq, cell: ({ seq }) => seq },
              { title: texts.messages.time, cell: ({ sendTime }) => <Time ms={sendTime} /> },
              {
                title: texts.messages.sender,
                cell: ({ sendID }) => <span className="breaks">{sendID}</span>,
              },
              {
                title: texts.messages.type,
                cell: ({ contentType }) => texts.messages.types[contentType] ?? String(contentType),
              },
              {
                title: texts.messages.content,
                cell: (message) =>
                  message.isRevoked ? (
                    <Badge color="gray.7">{texts.messages.revoked}</Badge>
                  ) : (
                    <span className="breaks content">{readableContent(message)}</span>
                  ),
              },
              {
                title: texts.messages.conversationID,
                cell: ({ conversationID }) => <span className="breaks">{conversationID}</span>,
              },
              {
                title: texts.messages.revoke.action,
                cell: (message) =>
                  may(revokeMessage) &&
                  !message.isRevoked && (
                    <Button
                      size="compact-xs"
                      variant="default"
                      aria-label={texts.messages.revoke.title(String(message.seq))}
                      onClick={() => setRevoking(message)}
                    >
                      {texts.messages.revoke.action}
                    </Button>
                  ),
              },
            ]}
          />
        </Stack>
      )}
      <ActDialog
        opened={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={texts.messages.revoke.title(String(revoking?.seq ?? ''))}
        body={texts.messages.revoke.body}
        action={texts.messages.revoke.action}
        destructive
        reasonHelp={texts.reasonHelp}
        act={async (why) => {
          if (!revoking) return;
          const { conversationID, seq } = revoking;
          await mutateAsync({ params: { conversationID, seq: String(seq) }, body: { reason: why } });
        }}
      />
    </Page>
  );
}
