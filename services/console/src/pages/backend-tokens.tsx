import type { BackendToken } from '@im/admin-api';
import { Badge, Button, Code, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useAct, usePages } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { List } from '../components/list.tsx';
import { Section } from '../components/section.tsx';
import { Time } from '../components/time.tsx';
import { listBackendTokens, revokeBackendToken } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';

/** Tokens of backends, and how to end them. */
export function BackendTokens() {
  const { tenantPage: texts, reasonHelp } = useTexts();
  const [revoking, setRevoking] = useState<BackendToken>();
  const state = usePages(listBackendTokens, { query: { limit: 50 } });
  const { mutateAsync } = useAct(revokeBackendToken);
  const nameOf = ({ description, tokenID }: BackendToken) => description || tokenID;
  const { tokenID = '' } = revoking ?? {};
  const name = revoking ? nameOf(revoking) : '';
  return (
    <Section title={texts.tokens}>
      <List<BackendToken>
        label={texts.tokens}
        entries={state.data?.pages.flatMap(({ tokens }) => tokens) ?? []}
        keyOf={(token) => token.tokenID}
        state={state}
        columns={[
          { title: texts.description, cell: (token) => <span className="breaks">{nameOf(token)}</span> },
          { title: texts.role, cell: ({ role }) => role },
          { title: texts.created, cell: ({ createTime }) => <Time ms={createTime} /> },
          { title: texts.ends, cell: ({ expireTime }) => <Time ms={expireTime} /> },
          {
            title: texts.revoke.action,
            cell: (token) =>
              token.revokeTime === undefined ? (
                <Button
                  size="compact-xs"
                  variant="default"
                  disabled={token.expireTime <= Date.now()}
                  aria-label={texts.revoke.title(nameOf(token))}
                  onClick={() => setRevoking(token)}
                >
                  {texts.revoke.action}
                </Button>
              ) : (
                <Badge color="gray.7">{texts.revoked}</Badge>
              ),
          },
        ]}
      />
      <Stack gap={4}>
        <Text size="sm">{texts.tokensHow}</Text>
        <Code block>openimctl token create --role read</Code>
      </Stack>
      <ActDialog
        opened={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={texts.revoke.title(name)}
        body={texts.revoke.body}
        action={texts.revoke.action}
        destructive
        typed={name}
        reasonHelp={reasonHelp}
        act={(reason) => mutateAsync({ params: { tokenID }, query: { reason } })}
      />
    </Section>
  );
}
