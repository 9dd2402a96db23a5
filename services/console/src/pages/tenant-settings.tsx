import { TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { COMPLETE, List } from '../components/list.tsx';
import { Section } from '../components/section.tsx';
import { useTexts } from '../i18n/language.tsx';

type Setting = readonly [path: string, value: string];

/** Settings by their dotted path, in the order of the reference. */
function settingsOf(value: unknown, path: string): Setting[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, child]) =>
    settingsOf(child, path === '' ? name : `${path}.${name}`),
  );
}

/** Settings in force, for reading. */
export function TenantSettings({ settings }: { readonly settings: Readonly<Record<string, unknown>> }) {
  const { tenantPage: texts } = useTexts();
  const [wanted, setWanted] = useState('');
  const all = useMemo(() => settingsOf(settings, ''), [settings]);
  const found = all.filter(([path]) => path.toLowerCase().includes(wanted.trim().toLowerCase()));
  return (
    <Section title={texts.settings} explained={texts.settingsHow}>
      <TextInput
        label={texts.filter}
        maw={320}
        maxLength={128}
        value={wanted}
        onChange={(event) => setWanted(event.currentTarget.value)}
        data-search
      />
      <List<Setting>
        label={texts.settings}
        entries={found}
        keyOf={([path]) => path}
        state={COMPLETE}
        columns={[
          { title: texts.setting, cell: ([path]) => <span className="breaks">{path}</span> },
          { title: texts.value, cell: ([, value]) => <span className="breaks">{value || '–'}</span> },
        ]}
      />
    </Section>
  );
}
