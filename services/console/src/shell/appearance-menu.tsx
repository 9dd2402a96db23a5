import { Button, Menu, useMantineColorScheme } from '@mantine/core';
import { LANGUAGES, type Language, useLanguage } from '../i18n/language.tsx';

const SCHEMES = ['light', 'dark', 'auto'] as const;

/** Chooses the language, and light or dark. */
export function AppearanceMenu() {
  const { texts, language, setLanguage } = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const names = { light: texts.light, dark: texts.dark, auto: texts.system };
  return (
    <Menu position="bottom-end" transitionProps={{ duration: 0 }}>
      <Menu.Target>
        <Button variant="default" size="xs">
          {LANGUAGES[language]}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{texts.language}</Menu.Label>
        {Object.entries(LANGUAGES).map(([key, name]) => (
          <Menu.Item key={key} fw={key === language ? 700 : 400} onClick={() => setLanguage(key as Language)}>
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{texts.appearance}</Menu.Label>
        {SCHEMES.map((scheme) => (
          <Menu.Item
            key={scheme}
            fw={scheme === colorScheme ? 700 : 400}
            onClick={() => setColorScheme(scheme)}
          >
            {names[scheme]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
