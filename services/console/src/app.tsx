import { AdminApiError } from '@im/admin-api';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Router } from 'wouter';
import { CONSOLE_PATH } from './api/paths.ts';
import { LanguageProvider } from './i18n/language.tsx';
import { LoginPage } from './session/login-page.tsx';
import { isLoggedOut } from './session/session.ts';
import { SessionGate } from './session/session-gate.tsx';
import { Shell } from './shell/shell.tsx';
import { theme } from './shell/theme.ts';

/** How often a failed read is repeated, where that can help. */
const RETRIES = 2;

interface Props {
  /** Of the styles of this page. */
  readonly nonce: string;
  /** Of the login link that led here. */
  readonly loginToken: string | undefined;
}

/** The console: languages and colours around the login or the pages. */
export function App({ nonce, loginToken }: Props) {
  const [token, setToken] = useState(loginToken);
  const queries = useMemo(() => createQueries(), []);
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <LanguageProvider>
        <QueryClientProvider client={queries}>
          <Notifications position="bottom-right" />
          <Router base={CONSOLE_PATH.replace(/\/$/, '')}>
            {token === undefined ? (
              <SessionGate>
                <Shell />
              </SessionGate>
            ) : (
              <LoginPage token={token} onLogin={() => setToken(undefined)} />
            )}
          </Router>
        </QueryClientProvider>
      </LanguageProvider>
    </MantineProvider>
  );
}

/** Where answers are kept while pages show them. A request that finds no session ends what is shown. */
function createQueries(): QueryClient {
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError(error, { queryKey }) {
        if (isLoggedOut(error) && queryKey[0] !== 'session')
          void queries.resetQueries({ queryKey: ['session'] });
      },
    }),
    defaultOptions: {
      queries: {
        refetchOnWindowFocus: false,
        staleTime: 5_000,
        retry: (count, error) =>
          count < RETRIES && !(error instanceof AdminApiError && error.status < 500 && error.status !== 429),
      },
    },
  });
  return queries;
}
