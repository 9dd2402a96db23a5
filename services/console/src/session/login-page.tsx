import type { Answer } from '@im/admin-api';
import { Alert, Button, Code, Container, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { ownClient } from '../api/client.ts';
import { Failure } from '../components/failure.tsx';
import { type getOwnSession, openConsoleSession } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { AppearanceMenu } from '../shell/appearance-menu.tsx';
import { OtherLogins } from './other-logins.tsx';

interface Props {
  /** Of a login link. @default none: offers the other ways to log in */
  readonly token?: string;
  /** Other ways to log in. @default none */
  readonly logins?: Answer<typeof getOwnSession>['logins'];
  onLogin?(): void;
}

/**
 * Logs in with a link, at a click: nothing that merely opens links, and no other page, logs anyone in.
 */
export function LoginPage({ token, logins, onLogin }: Props) {
  const texts = useTexts();
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = `${texts.login.title} · ${texts.console}`;
  }, [texts]);

  async function login(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (token === undefined) return;
    setBusy(true);
    try {
      await ownClient.call(openConsoleSession, { body: { token } });
      queries.clear();
      onLogin?.();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  }

  return (
    <Container size="xs" py="xl" component="main">
      <Paper withBorder p="lg">
        <Stack>
          <Group justify="space-between">
            <Title order={1} size="h3">
              {texts.console}
            </Title>
            <AppearanceMenu />
          </Group>
          {!window.isSecureContext && (
            <Alert color="red" variant="outline" role="alert">
              {texts.login.insecure}
            </Alert>
          )}
          {token !== undefined && error === undefined ? (
            <form onSubmit={(event) => void login(event)}>
              <Stack>
                <Text>{texts.login.ready}</Text>
                <Button type="submit" loading={busy} autoFocus>
                  {texts.login.button}
                </Button>
              </Stack>
            </form>
          ) : (
            <>
              {error !== undefined && <Failure error={error} />}
              <OtherLogins logins={logins} />
              <Text>{texts.login.how}</Text>
              <Code block>openimctl console login</Code>
              <Text size="sm" c="dimmed">
                {texts.login.used}
              </Text>
            </>
          )}
        </Stack>
      </Paper>
    </Container>
  );
}
