import type { CronJob } from '@im/admin-api';
import { Badge, Button, Code, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useAct, usePages } from '../api/client.ts';
import { ActDialog } from '../components/act-dialog.tsx';
import { WARNING } from '../components/colours.ts';
import { List } from '../components/list.tsx';
import { Page } from '../components/page.tsx';
import { Time } from '../components/time.tsx';
import { listCronJobs, runCronJob } from '../gen/operations.ts';
import { useFormat, useTexts } from '../i18n/language.tsx';
import { useMay } from '../session/session.ts';

/** How often the list is read while a run is under way or wanted. */
const WATCH_MS = 2_000;
/** Jobs that no process announced for as long are run by none. */
const SILENT_MS = 10 * 60_000;
const COLOURS: Readonly<Record<string, string>> = { ok: 'teal.9', error: 'red.9', cut: WARNING };

/** Scheduled jobs, as far as they are for the tenant. */
export function CronPage() {
  const { cron: texts, reasonHelp } = useTexts();
  const may = useMay();
  const [running, setRunning] = useState<string>();
  const state = usePages(listCronJobs, { query: { limit: 100 } }, true, (pages) =>
    pages.some(({ jobs }) => jobs.some((job) => job.requested || job.running)) ? WATCH_MS : false,
  );
  const { mutateAsync } = useAct(runCronJob);
  return (
    <Page title={texts.title}>
      <List<CronJob>
        label={texts.title}
        entries={state.data?.pages.flatMap(({ jobs }) => jobs) ?? []}
        keyOf={({ name }) => name}
        state={state}
        columns={[
          { title: texts.job, cell: (job) => <Job job={job} /> },
          { title: texts.schedule, cell: ({ schedule }) => <Code className="unbroken">{schedule}</Code> },
          { title: texts.next, cell: ({ nextTime }) => <Time ms={nextTime} /> },
          { title: texts.last, cell: (job) => <LastRun job={job} /> },
          { title: texts.outcome, cell: (job) => <Outcome job={job} /> },
          ...(may(runCronJob)
            ? [
                {
                  title: texts.run.action,
                  cell: ({ name, requested }: CronJob) => (
                    <Button
                      size="compact-xs"
                      variant="default"
                      disabled={requested}
                      aria-label={`${texts.run.action}: ${name}`}
                      onClick={() => setRunning(name)}
                    >
                      {texts.run.action}
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
      />
      <ActDialog
        opened={running !== undefined}
        onClose={() => setRunning(undefined)}
        title={texts.run.title(running ?? '')}
        body={texts.run.body}
        action={texts.run.action}
        reasonHelp={reasonHelp}
        act={(reason) => mutateAsync({ params: { name: running ?? '' }, body: { reason } })}
      />
    </Page>
  );
}

function Job({ job: { name, description, announceTime } }: { readonly job: CronJob }) {
  const { cron: texts } = useTexts();
  return (
    <Stack gap={2}>
      <Text size="sm" fw={500}>
        {name}
      </Text>
      <Text size="xs" c="dimmed">
        {description}
      </Text>
      {Date.now() - announceTime > SILENT_MS && (
        <Text size="xs" role="note">
          {texts.notRun}
        </Text>
      )}
    </Stack>
  );
}

function LastRun({ job: { last } }: { readonly job: CronJob }) {
  const { cron: texts } = useTexts();
  const format = useFormat();
  if (!last)
    return (
      <Text size="sm" c="dimmed">
        {texts.never}
      </Text>
    );
  return (
    <Stack gap={2}>
      <Time ms={last.startTime} />
      <Text size="xs" c="dimmed">
        {texts.duration} {format.duration(last.durationMs)} · {texts.done} {format.number(last.done)}
      </Text>
    </Stack>
  );
}

function Outcome({ job: { last, running, requested, failures } }: { readonly job: CronJob }) {
  const { cron: texts } = useTexts();
  const format = useFormat();
  if (running) return <Badge color="indigo.8">{texts.running}</Badge>;
  if (requested) return <Badge color="gray.7">{texts.requested}</Badge>;
  if (!last) return <>–</>;
  return (
    <Stack gap={2} align="flex-start">
      <Badge color={COLOURS[last.outcome] ?? 'gray.7'}>{texts.outcomes[last.outcome] ?? last.outcome}</Badge>
      {failures > 1 && <Text size="xs">{texts.failures(format.number(failures))}</Text>}
      {last.error !== '' && (
        <Text size="xs" className="breaks">
          {last.error}
        </Text>
      )}
    </Stack>
  );
}
