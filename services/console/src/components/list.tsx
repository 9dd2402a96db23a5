import { Box, Button, Center, Skeleton, Stack, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTexts } from '../i18n/language.tsx';
import { Failure } from './failure.tsx';

/** A column of a list. */
export interface Column<T> {
  readonly title: string;
  readonly cell: (entry: T) => ReactNode;
}

/** What a list shows, as react-query has it. */
export interface ListState {
  readonly isPending: boolean;
  readonly isFetching: boolean;
  readonly error: unknown;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  fetchNextPage(): unknown;
  refetch(): unknown;
}

/** State of a list that is shown as a whole. */
export const COMPLETE: ListState = {
  isPending: false,
  isFetching: false,
  error: undefined,
  hasNextPage: false,
  isFetchingNextPage: false,
  fetchNextPage: () => {},
  refetch: () => {},
};

interface Props<T> {
  /** Read out as the table's name. */
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly entries: readonly T[];
  readonly keyOf: (entry: T) => string;
  readonly state: ListState;
}

const WAITING_ROWS = ['a', 'b', 'c', 'd', 'e'];

/** A list that grows page by page, never as a whole. */
export function List<T>({ label, columns, entries, keyOf, state }: Props<T>) {
  const texts = useTexts();
  const { isPending, error, hasNextPage } = state;
  if (isPending && !error)
    return (
      <Stack gap="xs" role="status" aria-label={texts.loading}>
        {WAITING_ROWS.map((row) => (
          <Skeleton key={row} height={28} />
        ))}
      </Stack>
    );
  return (
    <Stack gap="sm">
      {entries.length > 0 && (
        <Box className="scrolls" tabIndex={0} role="region" aria-label={label}>
          <Table striped highlightOnHover verticalSpacing="xs" aria-label={label}>
            <Table.Thead>
              <Table.Tr>
                {columns.map(({ title }) => (
                  <Table.Th key={title} scope="col">
                    {title}
                  </Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {entries.map((entry) => (
                <Table.Tr key={keyOf(entry)}>
                  {columns.map(({ title, cell }) => (
                    <Table.Td key={title}>{cell(entry)}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Box>
      )}
      {error != null && <Failure error={error} retry={() => state.refetch()} />}
      {error == null && entries.length === 0 && !hasNextPage && (
        <Center p="xl">
          <Text c="dimmed">{texts.nothing}</Text>
        </Center>
      )}
      {hasNextPage && (
        <Center>
          <Button variant="default" loading={state.isFetchingNextPage} onClick={() => state.fetchNextPage()}>
            {texts.more}
          </Button>
        </Center>
      )}
    </Stack>
  );
}
