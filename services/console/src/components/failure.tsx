import { AdminApiError } from '@im/admin-api';
import { Alert, Button, Group, Text } from '@mantine/core';
import { useTexts } from '../i18n/language.tsx';

/** What went wrong, as the server says it. */
export function Failure({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const texts = useTexts();
  const message = error instanceof Error ? error.message : String(error);
  return (
    <Alert color="red" title={texts.failed} role="alert" variant="outline">
      <Text size="sm">{message}</Text>
      {error instanceof AdminApiError && (
        <Text size="xs" mt={4}>
          {texts.requestID} {error.failure.requestID}
        </Text>
      )}
      {retry && (
        <Group mt="sm">
          <Button size="xs" variant="default" onClick={retry}>
            {texts.retry}
          </Button>
        </Group>
      )}
    </Alert>
  );
}
