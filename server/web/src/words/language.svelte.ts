// The language and the colours somebody prefers. Kept in the browser; whatever it does not keep is chosen anew.
import { en, type Messages } from './en';
import { zh } from './zh';

export const LANGUAGES = { 'zh-CN': '中文', en: 'English' } as const;
export type Language = keyof typeof LANGUAGES;
export const CATALOGUES: Record<Language, Messages> = { 'zh-CN': zh, en };

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

const keptLanguage = kept('language');
let language = $state<Language>(
  keptLanguage === 'en' || keptLanguage === 'zh-CN'
    ? keptLanguage
    : navigator.languages.some((tag) => tag.toLowerCase().startsWith('zh'))
      ? 'zh-CN'
      : 'en',
);
let theme = $state<Theme>(THEMES.find((known) => known === kept('theme')) ?? 'system');

export const preferences = {
  get language(): Language {
    return language;
  },
  set language(wanted: Language) {
    language = wanted;
    keep('language', wanted);
  },
  get theme(): Theme {
    return theme;
  },
  set theme(wanted: Theme) {
    theme = wanted;
    keep('theme', wanted);
  },
  /** The messages of the language. */
  get words(): Messages {
    return CATALOGUES[language];
  },
};
