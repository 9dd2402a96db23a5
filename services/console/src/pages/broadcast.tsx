import { Text, Title } from '@mantine/core';
import { Page } from '../components/page.tsx';
import { useTexts } from '../i18n/language.tsx';
import { BroadcastForm } from './broadcast-form.tsx';
import { BroadcastList } from './broadcast-list.tsx';

/** Sends a text to many users, after a dry run; the server goes on without this page. */
export function BroadcastPage() {
  const { broadcast: page } = useTexts();
  return (
    <Page title={page.title}>
      <Text size="sm" c="dimmed">
        {page.explained}
      </Text>
      <BroadcastForm />
      <Title order={2} size="h4">
        {page.list}
      </Title>
      <BroadcastList />
    </Page>
  );
}
