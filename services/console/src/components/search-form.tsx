import { Button, Group, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'wouter';
import { useTexts } from '../i18n/language.tsx';

/** Name of the parameter of the address that has what is searched for. */
const PARAMETER = 'q';

/** What is searched for, as the address has it; empty for everything. */
export function useSearched(): string {
  const [params] = useSearchParams();
  return params.get(PARAMETER) ?? '';
}

interface Props {
  /** What can be searched for. */
  readonly label: string;
}

/** One field to search by. What was searched for is in the address: {@link useSearched}. */
export function SearchForm({ label }: Props) {
  const texts = useTexts();
  const [, setParams] = useSearchParams();
  const [text, setText] = useState(useSearched());

  function search(event: FormEvent): void {
    event.preventDefault();
    const wanted = text.trim();
    setParams(wanted === '' ? {} : { [PARAMETER]: wanted });
  }

  return (
    <form onSubmit={search}>
      <Group align="flex-end" gap="xs">
        <TextInput
          label={label}
          type="search"
          maxLength={128}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-search
        />
        <Button type="submit">{texts.search}</Button>
      </Group>
    </form>
  );
}
