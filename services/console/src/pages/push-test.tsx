import { Alert, Badge, Button, Group, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useAct } from '../api/client.ts';
import { WARNING } from '../components/colours.ts';
import { Failure } from '../components/failure.tsx';
import { COMPLETE, List } from '../components/list.tsx';
import { Section } from '../components/section.tsx';
import { testPush } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';

const COLOURS: Readonly<Record<string, string>> = {
  taken: 'teal.9',
  gone: 'gray.7',
  later: WARNING,
  refused: 'red.9',
};

/** Sends a test notification to the devices of a user, and shows what became of it. */
export function PushTest() {
  const texts = useTexts();
  const { push } = texts.webhooks;
  const [userID, setUserID] = useState('');
  const [text, setText] = useState('Test');
  const { mutate, data, error, isPending } = useAct(testPush);

  function send(event: FormEvent): void {
    event.preventDefault();
    mutate({ body: { userID: userID.trim(), text } });
  }

  return (
    <Section title={push.title} explained={push.explained}>
      <form onSubmit={send}>
        <Group align="flex-end" gap="xs">
          <TextInput
            label={texts.users.userID}
            required
            maxLength={2_048}
            value={userID}
            onChange={(event) => setUserID(event.currentTarget.value)}
          />
          <TextInput
            label={push.text}
            required
            maxLength={1_000}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button type="submit" loading={isPending}>
            {push.send}
          </Button>
        </Group>
      </form>
      {error && <Failure error={error} />}
      {data && data.faults.length > 0 && (
        <Alert color="red" variant="outline" title={push.faults} role="alert">
          {data.faults.map((fault) => (
            <Text key={fault} size="sm" className="breaks">
              {fault}
            </Text>
          ))}
        </Alert>
      )}
      {data?.results.length === 0 && (
        <Text size="sm" role="status">
          {push.noDevice}
        </Text>
      )}
      {data && data.results.length > 0 && (
        <List
          label={push.title}
          entries={data.results}
          keyOf={({ platformID, kind, token, provider }) => `${platformID} ${kind} ${token} ${provider}`}
          state={COMPLETE}
          columns={[
            {
              title: texts.connections.platform,
              cell: ({ platformID }) => texts.platforms[platformID] ?? String(platformID),
            },
            { title: push.device, cell: ({ kind }) => kind },
            { title: push.provider, cell: ({ provider }) => provider || '–' },
            { title: push.token, cell: ({ token }) => <span className="breaks">{token}</span> },
            {
              title: push.result,
              cell: ({ outcome }) => (
                <Badge color={COLOURS[outcome] ?? 'gray.7'}>{push.outcomes[outcome] ?? outcome}</Badge>
              ),
            },
            { title: push.reason, cell: ({ reason }) => <span className="breaks">{reason}</span> },
          ]}
        />
      )}
    </Section>
  );
}
