import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { en, type Texts } from './en.ts';
import { zh } from './zh.ts';

/** Languages of the console. */
export const LANGUAGES = { en: 'English', zh: '中文' } as const;

/** A language of the console. */
export type Language = keyof typeof LANGUAGES;

const TEXTS: Readonly<Record<Language, Texts>> = { en, zh };
const HTML_LANG: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-CN' };
const STORED = 'im-console-language';

interface Chosen {
  readonly language: Language;
  readonly texts: Texts;
  setLanguage(language: Language): void;
}

const LanguageContext = createContext<Chosen>({ language: 'en', texts: en, setLanguage: () => {} });

function firstLanguage(): Language {
  const stored = window.localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'zh') return stored;
  return window.navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** Gives the pages their language: the one that was chosen before, else the browser's. */
export function LanguageProvider({ children }: { readonly children: ReactNode }) {
  const [language, set] = useState<Language>(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = HTML_LANG[language];
  }, [language]);
  const chosen = useMemo(
    (): Chosen => ({
      language,
      texts: TEXTS[language],
      setLanguage(next) {
        window.localStorage.setItem(STORED, next);
        set(next);
      },
    }),
    [language],
  );
  return <LanguageContext value={chosen}>{children}</LanguageContext>;
}

/** The texts in the chosen language. */
export function useTexts(): Texts {
  return useContext(LanguageContext).texts;
}

/** The chosen language, and how to choose another. */
export function useLanguage(): Chosen {
  return useContext(LanguageContext);
}

/** Formats numbers and times in the chosen language. */
export function useFormat() {
  const { language } = useLanguage();
  return useMemo(() => {
    const locale = HTML_LANG[language];
    const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
    const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
    const number = new Intl.NumberFormat(locale);
    return {
      dateTime: (ms: number) => dateTime.format(ms),
      number: (value: number) => number.format(value),
      relative(ms: number): string {
        const seconds = Math.round((ms - Date.now()) / 1_000);
        for (const [unit, length] of UNITS)
          if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
        return relative.format(seconds, 'second');
      },
    };
  }, [language]);
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];
