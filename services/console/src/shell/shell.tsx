import { AppShell, Burger, Button, Center, Group, Loader, NavLink, Select, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, Suspense } from 'react';
import { Link, Redirect, Route, Switch, useLocation } from 'wouter';
import { ownClient, TenantContext, useTenant } from '../api/client.ts';
import { Page } from '../components/page.tsx';
import { endOwnSession } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { useMay, useSession } from '../session/session.ts';
import { AppearanceMenu } from './appearance-menu.tsx';
import { type MenuPage, PAGES } from './pages.ts';
import { useShortcuts } from './shortcuts.ts';

/** Header, menu and the page that the address names: `/<tenant>/<page>/<id>`. */
export function Shell() {
  const texts = useTexts();
  const { tenants } = useSession();
  const [location] = useLocation();
  const [, named = '', page = ''] = location.split('/');
  const tenant = decodeURIComponent(named);
  const [opened, { toggle, close }] = useDisclosure();
  useShortcuts();
  if (!tenants.includes(tenant)) {
    const [first] = tenants;
    return first === undefined ? (
      <Center h="100vh">{texts.notAllowed}</Center>
    ) : (
      <Redirect to={`/${encodeURIComponent(first)}/users`} replace />
    );
  }
  return (
    <TenantContext value={tenant}>
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 200, breakpoint: 'sm', collapsed: { mobile: !opened } }}
        padding="md"
        transitionDuration={0}
      >
        <a className="skip" href="#content">
          {texts.skip}
        </a>
        <AppShell.Header>
          <Header opened={opened} toggle={toggle} page={page} />
        </AppShell.Header>
        <AppShell.Navbar p="xs" aria-label={texts.menu}>
          <Menu page={page} onChoose={close} />
        </AppShell.Navbar>
        <AppShell.Main id="content" tabIndex={-1}>
          <Suspense fallback={<Waiting />}>
            <Switch>
              {PAGES.map(({ path, entry: Entry }) =>
                Entry ? (
                  <Route key={`${path}/`} path={`/:tenant/${path}/:id`}>
                    {({ id }) => <Entry key={id} id={decodeURIComponent(id)} />}
                  </Route>
                ) : null,
              )}
              {PAGES.map((one) => (
                <Route key={one.path} path={`/:tenant/${one.path}`}>
                  <Allowed page={one}>
                    <one.component />
                  </Allowed>
                </Route>
              ))}
              <Route>
                <Text>{texts.noSuchPage}</Text>
              </Route>
            </Switch>
          </Suspense>
        </AppShell.Main>
      </AppShell>
    </TenantContext>
  );
}

function Allowed({ page, children }: { readonly page: MenuPage; readonly children: ReactNode }) {
  const texts = useTexts();
  const may = useMay();
  if (!page.reads || may(page.reads)) return children;
  return (
    <Page title={page.title(texts)}>
      <Text role="alert">{texts.notAllowed}</Text>
    </Page>
  );
}

function Waiting() {
  const texts = useTexts();
  return (
    <Center p="xl" role="status" aria-label={texts.loading}>
      <Loader />
    </Center>
  );
}

interface HeaderProps {
  readonly opened: boolean;
  toggle(): void;
  readonly page: string;
}

function Header({ opened, toggle, page }: HeaderProps) {
  const texts = useTexts();
  const { session, tenants } = useSession();
  const tenant = useTenant();
  const queries = useQueryClient();
  const [, navigate] = useLocation();

  async function logout(): Promise<void> {
    const ended = await ownClient.call(endOwnSession, {}).catch(() => undefined);
    // The identity provider leads back here.
    if (ended && ended.logoutURL !== '') return window.location.assign(ended.logoutURL);
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
    await queries.resetQueries({ queryKey: ['session'] });
  }

  return (
    <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="xs">
      <Group gap="xs" wrap="nowrap">
        <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={texts.menu} />
        <Text fw={700} visibleFrom="sm">
          {texts.console}
        </Text>
        <Select
          aria-label={texts.tenant}
          size="xs"
          w={140}
          data={tenants}
          value={tenant}
          allowDeselect={false}
          searchable={tenants.length > 10}
          limit={100}
          onChange={(next) => next !== null && navigate(`/${encodeURIComponent(next)}/${page || 'users'}`)}
        />
      </Group>
      <Group gap="xs" wrap="nowrap">
        <Text size="sm" visibleFrom="md">
          {texts.loggedInAs(session.name)}
        </Text>
        <AppearanceMenu />
        <Button variant="default" size="xs" onClick={() => void logout()}>
          {texts.logout}
        </Button>
      </Group>
    </Group>
  );
}

function Menu({ page, onChoose }: { readonly page: string; onChoose(): void }) {
  const texts = useTexts();
  const tenant = useTenant();
  const may = useMay();
  return PAGES.filter(({ reads }) => !reads || may(reads)).map(({ path, title }) => (
    <NavLink
      key={path}
      component={Link}
      href={`/${encodeURIComponent(tenant)}/${path}`}
      label={title(texts)}
      active={path === page}
      variant="filled"
      aria-current={path === page ? 'page' : undefined}
      onClick={onChoose}
    />
  ));
}
