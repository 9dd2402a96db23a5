import { CopyButton, Group, Text, UnstyledButton } from '@mantine/core';
import { useTexts } from '../i18n/language.tsx';

/** A text, such as an id, that a click copies. */
export function Copyable({ value }: { readonly value: string }) {
  const texts = useTexts();
  return (
    <Group gap={6} wrap="nowrap" component="span" display="inline-flex" maw="100%">
      <Text span ff="monospace" size="sm" className="breaks">
        {value}
      </Text>
      <CopyButton value={value}>
        {({ copied, copy }) => (
          <UnstyledButton onClick={copy} className="copy" aria-label={`${texts.copy} ${value}`}>
            {copied ? texts.copied : texts.copy}
          </UnstyledButton>
        )}
      </CopyButton>
    </Group>
  );
}
