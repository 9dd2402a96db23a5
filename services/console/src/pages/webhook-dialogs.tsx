import type { Answer, WebhookDelivery } from '@im/admin-api';
import { Button, Code, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { tenantClient, useAct, useTenant } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { Facts } from '../components/facts.tsx';
import { Failure } from '../components/failure.tsx';
import { getWebhookDelivery, testWebhook } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';

interface BodyProps {
  readonly delivery: WebhookDelivery | undefined;
  onClose(): void;
}

/** JSON with line breaks; other texts as they are. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Asks why, then shows the body of a delivery. */
export function DeliveryBody({ delivery, onClose }: BodyProps) {
  const texts = useTexts();
  const tenant = useTenant();
  const [body, setBody] = useState<string>();
  const { deliveryID = '', event = '' } = delivery ?? {};
  const { webhooks } = texts;
  return (
    <>
      <ActDialog
        opened={delivery !== undefined && body === undefined}
        onClose={onClose}
        title={webhooks.showTitle(event)}
        body={webhooks.showBody}
        action={webhooks.show}
        reasonHelp={texts.reasonHelp}
        reasonRequired
        quiet
        act={async (reason) => {
          const given = { params: { deliveryID }, query: { reason } };
          const found = await tenantClient(tenant).call(getWebhookDelivery, given);
          setBody(readable(found.body));
        }}
      />
      <Modal
        opened={delivery !== undefined && body !== undefined}
        onClose={() => {
          setBody(undefined);
          onClose();
        }}
        size="lg"
        title={webhooks.showTitle(event)}
        closeButtonProps={{ 'aria-label': texts.close }}
      >
        <Code block className="breaks" tabIndex={0}>
          {body}
        </Code>
      </Modal>
    </>
  );
}

interface TestProps {
  readonly opened: boolean;
  onClose(): void;
}

/** Sends a sample of an event, and shows what the receiver answered. */
export function WebhookTest({ opened, onClose }: TestProps) {
  const { webhooks, close } = useTexts();
  const { test } = webhooks;
  return (
    <Modal opened={opened} onClose={onClose} title={test.title} closeButtonProps={{ 'aria-label': close }}>
      <TestForm />
    </Modal>
  );
}

function TestForm() {
  const { webhooks } = useTexts();
  const { test } = webhooks;
  const [event, setEvent] = useState('afterSendSingleMsg');
  const { mutate, data, error, isPending } = useAct(testWebhook);

  function submit(submitted: FormEvent): void {
    submitted.preventDefault();
    mutate({ body: { event: event.trim() } });
  }

  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{test.body}</Text>
        <TextInput
          label={webhooks.anyEvent}
          required
          maxLength={64}
          value={event}
          onChange={(change) => setEvent(change.currentTarget.value)}
        />
        {error && <Failure error={error} />}
        {data && <TestResult answer={data} />}
        <Group justify="flex-end">
          <Button type="submit" loading={isPending}>
            {test.send}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function TestResult({
  answer: { url, outcome, status, answer, tookMs },
}: {
  readonly answer: Answer<typeof testWebhook>;
}) {
  const { webhooks } = useTexts();
  const format = useFormat();
  return (
    <div role="status">
      <Facts
        facts={[
          [webhooks.test.url, url],
          [webhooks.outcome, outcome],
          [webhooks.test.status, status === 0 ? '' : status],
          [webhooks.test.took, format.duration(tookMs)],
          [webhooks.answer, answer],
        ]}
      />
    </div>
  );
}
