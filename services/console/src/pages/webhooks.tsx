import type { Given, WebhookDelivery } from '@im/admin-api';
import { Badge, Button, Group, Select, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'wouter';
import { useAct, usePages, useTenant } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { WARNING } from '../components/colours.ts';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { Section } from '../components/section.tsx';
import { Time } from '../components/time.tsx';
import {
  getWebhookDelivery,
  listWebhookDeliveries,
  replayWebhookDelivery,
  replayWebhooks,
  testPush,
  testWebhook,
} from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { useMay } from '../session/session.ts';
import { PushTest } from './push-test.tsx';
import { DeliveryBody, WebhookTest } from './webhook-dialogs.tsx';

type Act = { readonly act: 'replay' | 'show'; readonly delivery: WebhookDelivery };

/** Webhooks that did not arrive, and tests of webhooks and offline notifications. */
export function WebhooksPage() {
  const { webhooks: texts } = useTexts();
  const may = useMay();
  const [testing, setTesting] = useState(false);
  return (
    <Page
      title={texts.title}
      actions={
        may(testWebhook) && (
          <Button variant="default" onClick={() => setTesting(true)}>
            {texts.test.action}
          </Button>
        )
      }
    >
      <Deliveries />
      {may(testPush) && <PushTest />}
      <WebhookTest opened={testing} onClose={() => setTesting(false)} />
    </Page>
  );
}

function Deliveries() {
  const texts = useTexts();
  const { webhooks } = texts;
  const may = useMay();
  const [params, setParams] = useSearchParams();
  const asked = params.get('event') ?? '';
  const shown = params.get('state') === 'waiting' ? 'waiting' : 'dead';
  const [event, setEvent] = useState(asked);
  const [act, setAct] = useState<Act>();
  const [replayingAll, setReplayingAll] = useState(false);
  const query: Given<typeof listWebhookDeliveries>['query'] = {
    limit: 50,
    state: shown,
    ...(asked !== '' && { event: asked }),
  };
  const state = usePages(listWebhookDeliveries, { query });
  const deliveries = state.data?.pages.flatMap((page) => page.deliveries) ?? [];
  const close = () => setAct(undefined);

  function find(submitted: FormEvent): void {
    submitted.preventDefault();
    setParams({ state: shown, ...(event.trim() !== '' && { event: event.trim() }) });
  }

  return (
    <Section title={webhooks.deliveries} explained={webhooks.explained}>
      <form onSubmit={find}>
        <Group align="flex-end" gap="xs">
          <Select
            label={webhooks.state}
            w={150}
            data={Object.entries(webhooks.states).map(([value, label]) => ({ value, label }))}
            value={shown}
            allowDeselect={false}
            onChange={(value) =>
              value !== null && setParams({ state: value, ...(asked !== '' && { event: asked }) })
            }
          />
          <TextInput
            label={webhooks.anyEvent}
            maxLength={64}
            value={event}
            onChange={(change) => setEvent(change.currentTarget.value)}
            data-search
          />
          <Button type="submit">{texts.search}</Button>
          {may(replayWebhooks) && shown === 'dead' && deliveries.length > 0 && (
            <Button variant="default" onClick={() => setReplayingAll(true)}>
              {webhooks.replayAll.action}
            </Button>
          )}
        </Group>
      </form>
      <List<WebhookDelivery>
        label={webhooks.deliveries}
        entries={deliveries}
        keyOf={({ deliveryID }) => deliveryID}
        state={state}
        columns={[
          { title: webhooks.event, cell: (delivery) => <span className="breaks">{delivery.event}</span> },
          { title: webhooks.created, cell: ({ createTime }) => <Time ms={createTime} /> },
          { title: webhooks.attempts, cell: ({ attempts }) => attempts },
          {
            title: webhooks.outcome,
            cell: ({ outcome, status, answer }) => (
              <>
                <Badge color={shown === 'dead' ? 'red.9' : WARNING} tt="none">
                  {outcome}
                  {status > 0 && ` ${status}`}
                </Badge>
                <Text size="xs" c="dimmed" className="breaks">
                  {answer}
                </Text>
              </>
            ),
          },
          { title: webhooks.attempted, cell: ({ attemptTime }) => <Time ms={attemptTime} /> },
          ...(shown === 'waiting'
            ? [{ title: webhooks.next, cell: ({ nextTime }: WebhookDelivery) => <Time ms={nextTime} /> }]
            : []),
          {
            title: webhooks.act,
            cell: (delivery) => (
              <Group gap={4} wrap="nowrap">
                {may(getWebhookDelivery) && (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`${webhooks.show}: ${delivery.event} ${delivery.deliveryID}`}
                    onClick={() => setAct({ act: 'show', delivery })}
                  >
                    {webhooks.show}
                  </Button>
                )}
                {may(replayWebhookDelivery) && (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`${webhooks.replay.action}: ${delivery.event} ${delivery.deliveryID}`}
                    onClick={() => setAct({ act: 'replay', delivery })}
                  >
                    {webhooks.replay.action}
                  </Button>
                )}
              </Group>
            ),
          },
        ]}
      />
      <ReplayDialog delivery={act?.act === 'replay' ? act.delivery : undefined} onClose={close} />
      <DeliveryBody delivery={act?.act === 'show' ? act.delivery : undefined} onClose={close} />
      <ReplayAllDialog opened={replayingAll} event={asked} onClose={() => setReplayingAll(false)} />
    </Section>
  );
}

interface ReplayProps {
  readonly delivery: WebhookDelivery | undefined;
  onClose(): void;
}

function ReplayDialog({ delivery, onClose }: ReplayProps) {
  const { webhooks: texts, reasonHelp } = useTexts();
  const { mutateAsync } = useAct(replayWebhookDelivery);
  const { deliveryID = '', event = '' } = delivery ?? {};
  return (
    <ActDialog
      opened={delivery !== undefined}
      onClose={onClose}
      title={texts.replay.title(event)}
      body={texts.replay.body}
      action={texts.replay.action}
      reasonHelp={reasonHelp}
      act={(reason) => mutateAsync({ params: { deliveryID }, body: { reason } })}
    />
  );
}

interface ReplayAllProps {
  readonly opened: boolean;
  /** Empty: of all events. */
  readonly event: string;
  onClose(): void;
}

function ReplayAllDialog({ opened, event, onClose }: ReplayAllProps) {
  const { webhooks, reasonHelp, close } = useTexts();
  const format = useFormat();
  const tenant = useTenant();
  const { mutateAsync } = useAct(replayWebhooks);
  const texts = webhooks.replayAll;
  return (
    <ActDialog
      opened={opened}
      onClose={onClose}
      title={texts.title}
      body={event === '' ? texts.ofAll : texts.ofEvent(event)}
      action={texts.action}
      typed={tenant}
      reasonHelp={reasonHelp}
      act={async (reason) => {
        const { replayed } = await mutateAsync({ body: { reason, ...(event !== '' && { event }) } });
        const message = texts.replayed(format.number(replayed));
        notifications.show({ message, closeButtonProps: { 'aria-label': close } });
      }}
    />
  );
}
