/** The language of the page: as the browser has it, until a person chooses. */
import { computed, effect, signal } from '@preact/signals';
import { en, type Strings } from './en.ts';
import { zh } from './zh.ts';

export const LANGUAGES = { en, zh } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = 'mudpt.studio.language';

function first(): Language {
  const kept = localStorage.getItem(KEY) ?? navigator.language;
  return kept.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export const language = signal<Language>(first());
const strings = computed<Strings>(() => LANGUAGES[language.value]);

/** The words; whoever reads them is drawn again when the language changes. */
export const t = (): Strings => strings.value;

effect(() => {
  localStorage.setItem(KEY, language.value);
  document.documentElement.lang = language.value === 'zh' ? 'zh-Hans' : 'en';
});
