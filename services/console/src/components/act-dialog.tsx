import { Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, useState } from 'react';
import { useTexts } from '../i18n/language.tsx';
import { Failure } from './failure.tsx';
import { useSubmit } from './use-submit.ts';

interface Props {
  readonly opened: boolean;
  onClose(): void;
  readonly title: string;
  readonly body: string;
  /** The button that does it. */
  readonly action: string;
  /** Cannot be undone: the button is red. @default false */
  readonly destructive?: boolean;
  /** What must be typed before it can be done. @default nothing */
  readonly typed?: string;
  /** What is said below the reason; absent: no reason is asked for. */
  readonly reasonHelp?: string;
  /** A reason must be given. @default false */
  readonly reasonRequired?: boolean;
  /** Says nothing when it is done, since that is seen. @default false */
  readonly quiet?: boolean;
  /** Further fields. */
  readonly children?: ReactNode;
  act(reason: string): Promise<unknown>;
}

/** Asks before something is done, for a reason, and for the name of what it destroys. */
export function ActDialog(props: Props) {
  const { opened, onClose, title } = props;
  const texts = useTexts();
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ 'aria-label': texts.close }}>
      <ActForm {...props} />
    </Modal>
  );
}

function ActForm(props: Props) {
  const { onClose, body, action, destructive, typed, reasonHelp, reasonRequired, quiet, children, act } =
    props;
  const texts = useTexts();
  const [reason, setReason] = useState('');
  const [confirmed, setConfirmed] = useState('');
  const { busy, error, submit } = useSubmit(async () => {
    await act(reason);
    if (quiet) return;
    notifications.show({
      message: `${action}: ${texts.done}`,
      closeButtonProps: { 'aria-label': texts.close },
    });
    onClose();
  });

  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{body}</Text>
        {children}
        {reasonHelp !== undefined && (
          <Textarea
            label={reasonRequired ? texts.reason : `${texts.reason} (${texts.optional})`}
            required={reasonRequired}
            description={reasonHelp}
            maxLength={1_000}
            autosize
            maxRows={6}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        )}
        {typed !== undefined && (
          <TextInput
            label={texts.typeToConfirm(typed)}
            autoComplete="off"
            value={confirmed}
            onChange={(event) => setConfirmed(event.currentTarget.value)}
          />
        )}
        {error !== undefined && <Failure error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {texts.cancel}
          </Button>
          <Button
            type="submit"
            color={destructive ? 'red.9' : undefined}
            loading={busy}
            disabled={typed !== undefined && confirmed !== typed}
          >
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
