import type { Answer } from '@im/admin-api';
import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ownClient } from '../api/client.ts';
import { Failure } from '../components/failure.tsx';
import { useSubmit } from '../components/use-submit.ts';
import { type getOwnSession, openSecretSession } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { takeLoginFailure } from './login-token.ts';

interface Props {
  /** Undefined with a link that failed: the console is loaded again for them. */
  readonly logins: Answer<typeof getOwnSession>['logins'] | undefined;
}

/** Logins by identity providers, and by the admin secret where that is enabled. */
export function OtherLogins({ logins }: Props) {
  const texts = useTexts();
  const [failure] = useState(takeLoginFailure);
  return (
    <>
      {failure && (
        <Alert color="red" variant="outline" role="alert" title={texts.failed}>
          {texts.login.failures[failure]}
        </Alert>
      )}
      {logins?.providers.map(({ name, displayName, url }) => (
        <Button key={name} component="a" href={url} fullWidth>
          {texts.login.with(displayName)}
        </Button>
      ))}
      {logins?.secret && <SecretForm />}
    </>
  );
}

function SecretForm() {
  const { login } = useTexts();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [secret, setSecret] = useState('');
  const { busy, error, submit } = useSubmit(async () => {
    await ownClient.call(openSecretSession, { body: { name: name.trim(), secret } });
    await queries.resetQueries({ queryKey: ['session'] });
  });

  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label={login.yourName}
          description={login.yourNameHelp}
          required
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordInput
          label={login.secret}
          required
          maxLength={4_096}
          autoComplete="off"
          visibilityToggleButtonProps={{ 'aria-label': login.showSecret }}
          value={secret}
          onChange={(event) => setSecret(event.currentTarget.value)}
        />
        {error !== undefined && <Failure error={error} />}
        <Button type="submit" variant="default" loading={busy}>
          {login.bySecret}
        </Button>
      </Stack>
    </form>
  );
}
