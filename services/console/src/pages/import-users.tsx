import { type CsvUser, readUserCsv, type UserCsv } from '@im/admin-api';
import { Button, FileInput, Group, Progress, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { tenantClient, useTenant } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { csvOf } from '../components/csv.ts';
import { Failure } from '../components/failure.tsx';
import { COMPLETE, List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { saveFile } from '../components/save-file.ts';
import { Section } from '../components/section.tsx';
import { importUsers } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';

/** Largest file, in bytes. */
const MAX_BYTES = 20_000_000;
/** Users of one request. */
const BATCH = 200;
/** Lines of the report that are shown; the file has all. */
const SHOWN = 100;
const PERCENT = 100;

interface Line {
  readonly line: number;
  readonly userID: string;
  readonly result: string;
}

interface Checked {
  /** Those who can be registered. */
  readonly free: readonly CsvUser[];
  readonly taken: number;
  readonly report: readonly Line[];
}

/** Registers the users of a CSV file, after a dry run. */
export function ImportUsersPage() {
  const texts = useTexts();
  const { importUsers: page } = texts;
  const format = useFormat();
  const tenant = useTenant();
  const [file, setFile] = useState<File | null>(null);
  const [checked, setChecked] = useState<Checked>();
  const [progress, setProgress] = useState<{ readonly done: number; readonly total: number }>();
  const [error, setError] = useState<unknown>();
  const [asking, setAsking] = useState(false);
  const [registered, setRegistered] = useState<number>();

  /** Asks about all users in turn. @returns ids that are taken. */
  async function inBatches(users: readonly CsvUser[], dryRun: boolean, reason: string): Promise<Set<string>> {
    const taken = new Set<string>();
    for (let i = 0; i < users.length; i += BATCH) {
      setProgress({ done: i, total: users.length });
      const batch = users.slice(i, i + BATCH).map(({ line: _, ...user }) => user);
      const answer = await tenantClient(tenant).call(importUsers, { body: { users: batch, dryRun, reason } });
      for (const id of answer.takenUserIDs) taken.add(id);
    }
    setProgress(undefined);
    return taken;
  }

  async function run(work: () => Promise<void>): Promise<void> {
    setError(undefined);
    try {
      await work();
    } catch (failure) {
      setError(failure);
      setProgress(undefined);
    }
  }

  const check = () =>
    run(async () => {
      setChecked(undefined);
      setRegistered(undefined);
      if (!file) return;
      if (file.size > MAX_BYTES) throw new RangeError(page.tooLarge(format.bytes(MAX_BYTES)));
      const csv = readUserCsv(await file.text());
      const taken = await inBatches(csv.users, true, '');
      setChecked(checkedOf(csv, taken, page.exists));
    });

  async function register(reason: string): Promise<void> {
    if (!checked) return;
    const taken = await inBatches(checked.free, false, reason);
    setRegistered(checked.free.length - taken.size);
    setChecked({ ...checked, free: [] });
  }

  function save(): void {
    const rows = checked?.report.map(({ line, userID, result }) => [line, userID, result]) ?? [];
    saveFile(`${tenant}-import.csv`, csvOf(['line', 'userID', 'result'], rows), 'text/csv');
  }

  const { report = [], free = [], taken = 0 } = checked ?? {};
  return (
    <Page title={page.title}>
      <Text size="sm" c="dimmed">
        {page.explained}
      </Text>
      <Group align="flex-end" gap="xs">
        <FileInput
          label={page.file}
          accept=".csv,text/csv"
          w={280}
          value={file}
          onChange={(chosen) => {
            setFile(chosen);
            setChecked(undefined);
            setRegistered(undefined);
          }}
        />
        <Button disabled={!file} loading={progress !== undefined} onClick={() => void check()}>
          {page.check}
        </Button>
        {free.length > 0 && (
          <Button variant="default" disabled={progress !== undefined} onClick={() => setAsking(true)}>
            {page.register}
          </Button>
        )}
      </Group>
      {progress && (
        <Stack gap={4} role="status">
          <Progress
            value={(progress.done / Math.max(1, progress.total)) * PERCENT}
            color="indigo.8"
            aria-label={page.title}
          />
          <Text size="sm">{page.progress(format.number(progress.done), format.number(progress.total))}</Text>
        </Stack>
      )}
      {error !== undefined && <Failure error={error} />}
      {registered !== undefined && <Text role="status">{page.registered(format.number(registered))}</Text>}
      {checked && registered === undefined && (
        <Text role="status">
          {page.checked(
            format.number(free.length),
            format.number(taken),
            format.number(report.length - taken),
          )}
        </Text>
      )}
      {report.length > 0 && (
        <Section
          title={page.report}
          explained={report.length > SHOWN ? page.shown(format.number(SHOWN)) : undefined}
          actions={
            <Button variant="default" size="xs" onClick={save}>
              {page.saveReport}
            </Button>
          }
        >
          <List<Line>
            label={page.report}
            entries={report.slice(0, SHOWN)}
            keyOf={({ line, result }) => `${line} ${result}`}
            state={COMPLETE}
            columns={[
              { title: page.line, cell: ({ line }) => format.number(line) },
              {
                title: texts.users.userID,
                cell: ({ userID }) => <span className="breaks">{userID || '–'}</span>,
              },
              { title: page.result, cell: ({ result }) => <span className="breaks">{result}</span> },
            ]}
          />
        </Section>
      )}
      <ActDialog
        opened={asking}
        onClose={() => setAsking(false)}
        title={page.registerTitle}
        body={page.registerBody(format.number(free.length))}
        action={page.register}
        reasonHelp={texts.reasonHelp}
        act={register}
      />
    </Page>
  );
}

function checkedOf({ users, faults }: UserCsv, taken: ReadonlySet<string>, exists: string): Checked {
  const existing = users.filter(({ userID }) => taken.has(userID));
  const report = [
    ...existing.map(({ line, userID }) => ({ line, userID, result: exists })),
    ...faults.map(({ line, message }) => ({ line, userID: '', result: message })),
  ].sort((a, b) => a.line - b.line);
  return { free: users.filter(({ userID }) => !taken.has(userID)), taken: existing.length, report };
}
