// The language, the colours and the size of the text somebody prefers. Kept in the browser; whatever it does not keep is chosen anew.
import { MediaQuery } from 'svelte/reactivity';
import { en, type Messages } from './en';
import { zh } from './zh';

export const LANGUAGES = { 'zh-CN': '中文', en: 'English' } as const;
export type Language = keyof typeof LANGUAGES;
export const CATALOGUES: Record<Language, Messages> = { 'zh-CN': zh, en };

export const THEMES = ['system', 'light', 'dark', 'contrast'] as const;
export type Theme = (typeof THEMES)[number];

/** The size of the text, in per cent of the browser's own. */
export const SIZES = [100, 125, 150, 200] as const;
export type Size = (typeof SIZES)[number];

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
let size = $state<Size>(SIZES.find((known) => String(known) === kept('size')) ?? 100);

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
  get size(): Size {
    return size;
  },
  set size(wanted: Size) {
    size = wanted;
    keep('size', String(wanted));
  },
  /** The messages of the language. */
  get words(): Messages {
    return CATALOGUES[language];
  },
};

const contrast = new MediaQuery('prefers-contrast: more');

/** Has a document look as is preferred. */
export function dress({ documentElement: root }: Document): void {
  root.lang = language;
  root.dataset.theme = theme;
  root.dataset.size = String(size);
  root.dataset.contrast = theme === 'contrast' || contrast.current ? 'more' : 'usual';
}
