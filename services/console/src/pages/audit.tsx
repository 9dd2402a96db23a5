import { Button, Group, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'wouter';
import { Page } from '../components/page.tsx';
import { useTexts } from '../i18n/language.tsx';
import { AuditList } from './audit-list.tsx';

/** The audit log. */
export function AuditPage() {
  const texts = useTexts();
  const [params, setParams] = useSearchParams();
  const asked = { act: params.get('act') ?? '', adminID: params.get('who') ?? '' };
  const [act, setAct] = useState(asked.act);
  const [who, setWho] = useState(asked.adminID);

  function search(event: FormEvent): void {
    event.preventDefault();
    // The log is searched by one of them.
    if (who.trim() !== '') setParams({ who: who.trim() });
    else setParams(act.trim() === '' ? {} : { act: act.trim() });
  }

  const query = asked.adminID === '' ? { act: asked.act || undefined } : { adminID: asked.adminID };
  return (
    <Page title={texts.audit.title}>
      <form onSubmit={search}>
        <Group align="flex-end" gap="xs">
          <TextInput
            label={texts.audit.filterAct}
            maxLength={64}
            value={act}
            onChange={(event) => {
              setAct(event.currentTarget.value);
              setWho('');
            }}
            data-search
          />
          <TextInput
            label={texts.audit.filterAdmin}
            maxLength={128}
            value={who}
            onChange={(event) => {
              setWho(event.currentTarget.value);
              setAct('');
            }}
          />
          <Button type="submit">{texts.search}</Button>
        </Group>
      </form>
      <AuditList query={query} />
    </Page>
  );
}
