import type { AuditRecord, Given } from '@im/admin-api';
import { Badge, Stack, Title } from '@mantine/core';
import { usePages } from '../api/client.ts';
import { WARNING } from '../components/colours.ts';
import { List } from '../components/list.tsx';
import { Time } from '../components/time.tsx';
import { listAudit } from '../gen/operations.ts';
import { useTexts } from '../i18n/language.tsx';
import { useMay } from '../session/session.ts';

const COLOURS = { started: 'gray.7', done: 'teal.9', refused: WARNING, failed: 'red.9' } as const;

interface Props {
  /** @default none */
  readonly title?: string;
  readonly query: Given<typeof listAudit>['query'];
}

/** Acts of administrators, for those who may see them. */
export function AuditList({ title, query }: Props) {
  const texts = useTexts();
  const allowed = useMay()(listAudit);
  const state = usePages(listAudit, { query: { limit: 50, ...query } }, allowed);
  if (!allowed) return null;
  const records = state.data?.pages.flatMap((page) => page.records) ?? [];
  return (
    <Stack gap="xs">
      {title !== undefined && (
        <Title order={2} size="h4">
          {title}
        </Title>
      )}
      <List<AuditRecord>
        label={title ?? texts.audit.title}
        entries={records}
        keyOf={({ id }) => id}
        state={state}
        columns={[
          { title: texts.audit.time, cell: ({ time }) => <Time ms={time} /> },
          { title: texts.audit.admin, cell: ({ adminID }) => <span className="breaks">{adminID}</span> },
          { title: texts.audit.act, cell: ({ act }) => act },
          {
            title: texts.audit.target,
            cell: ({ targetKind, targetID }) => (
              <span className="breaks">{targetID === '' ? '–' : `${targetKind}/${targetID}`}</span>
            ),
          },
          {
            title: texts.audit.outcome,
            cell: ({ outcome, errCode }) => (
              <Badge color={COLOURS[outcome]}>
                {texts.audit.outcomes[outcome]}
                {errCode !== 0 && ` ${errCode}`}
              </Badge>
            ),
          },
          { title: texts.reason, cell: ({ reason }) => <span className="breaks">{reason}</span> },
          { title: texts.audit.address, cell: ({ address }) => address },
        ]}
      />
    </Stack>
  );
}
