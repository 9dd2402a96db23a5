import { Center, Container, Loader } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ownClient } from '../api/client.ts';
import { Failure } from '../components/failure.tsx';
import { getOwnSession } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { LoginPage } from './login-page.tsx';
import { SessionContext } from './session.ts';

/** Shows pages to those who are logged in, and to others how to log in. */
export function SessionGate({ children }: { readonly children: ReactNode }) {
  const texts = useTexts();
  const { data, error, refetch } = useQuery({
    queryKey: ['session'],
    queryFn: () => ownClient.call(getOwnSession, {}),
    staleTime: 60_000,
  });
  if (error && !data)
    return (
      <Container size="sm" p="lg">
        <Failure error={error} retry={() => void refetch()} />
      </Container>
    );
  if (!data)
    return (
      <Center h="100vh" role="status" aria-label={texts.loading}>
        <Loader />
      </Center>
    );
  const { session } = data;
  if (!session) return <LoginPage logins={data.logins} />;
  return <SessionContext value={{ ...data, session }}>{children}</SessionContext>;
}
