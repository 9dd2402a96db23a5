import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import type { Texts } from './en.ts';

/** Languages of the console. */
export const LANGUAGES = { en: 'English', zh: '中文' } as const;

/** A language of the console. */
export type Language = keyof typeof LANGUAGES;

/** Each language is loaded when it is first shown. */
const TEXTS: Readonly<Record<Language, () => Promise<Texts>>> = {
  en: async () => (await import('./en.ts')).en,
  zh: async () => (await import('./zh.ts')).zh,
};
const HTML_LANG: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-CN' };
const STORED = 'im-console-language';

interface Chosen {
  readonly language: Language;
  readonly texts: Texts;
  setLanguage(language: Language): void;
}

const LanguageContext = createContext<Chosen | undefined>(undefined);

function firstLanguage(): Language {
  const stored = window.localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'zh') return stored;
  return window.navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** Gives the pages their language: the one that was chosen before, else the browser's. Shows nothing before it is there. */
export function LanguageProvider({ children }: { readonly children: ReactNode }) {
  const [wanted, want] = useState<Language>(firstLanguage);
  const [loaded, setLoaded] = useState<Pick<Chosen, 'language' | 'texts'>>();
  useEffect(() => {
    let isWanted = true;
    void TEXTS[wanted]().then((texts) => {
      if (!isWanted) return;
      document.documentElement.lang = HTML_LANG[wanted];
      setLoaded({ language: wanted, texts });
    });
    return () => {
      isWanted = false;
    };
  }, [wanted]);
  const chosen = useMemo(
    (): Chosen | undefined =>
      loaded && {
        ...loaded,
        setLanguage(next) {
          window.localStorage.setItem(STORED, next);
          want(next);
        },
      },
    [loaded],
  );
  return chosen && <LanguageContext value={chosen}>{children}</LanguageContext>;
}

/** The chosen language, and how to choose another. */
export function useLanguage(): Chosen {
  const chosen = useContext(LanguageContext);
  if (!chosen) throw new TypeError('there is no language');
  return chosen;
}

/** The texts in the chosen language. */
export function useTexts(): Texts {
  return useLanguage().texts;
}

/** Formats numbers and times in the chosen language. */
export function useFormat() {
  const { language } = useLanguage();
  return useMemo(() => {
    const locale = HTML_LANG[language];
    const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
    const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
    const number = new Intl.NumberFormat(locale);
    const amount = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
    return {
      dateTime: (ms: number) => dateTime.format(ms),
      number: (value: number) => number.format(value),
      bytes(value: number): string {
        const step = BYTES.find(([, size]) => value >= size) ?? BYTE;
        return `${amount.format(value / step[1])} ${step[0]}`;
      },
      /** Of a length of time in ms. */
      duration: (ms: number) => (ms < 1_000 ? `${number.format(ms)} ms` : `${amount.format(ms / 1_000)} s`),
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

const BYTE: readonly [string, number] = ['B', 1];
const BYTES: readonly (readonly [string, number])[] = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
];
