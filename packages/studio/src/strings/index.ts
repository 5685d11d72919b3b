/** The language of the page: as the browser has it, until a person chooses. */
import { computed, effect, signal } from '@preact/signals';
import { en, type Strings } from './en.ts';

/** As they call themselves. */
export const LANGUAGES = { en: 'English', zh: '中文' } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = 'mudpt.studio.language';

function first(): Language {
  const kept = localStorage.getItem(KEY) ?? navigator.language;
  return kept.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export const language = signal<Language>(first());
/** Loaded for those who read it. */
const zh = signal<Strings | undefined>(undefined);
const strings = computed<Strings>(() => (language.value === 'zh' && zh.value) || en);

/** Loads the words of the language. Until then the page is English. */
export async function loadWords(): Promise<void> {
  if (language.value === 'zh') zh.value ??= (await import('./zh.ts')).zh;
}

/** The words; whoever reads them is drawn again when the language changes. */
export const t = (): Strings => strings.value;

effect(() => {
  localStorage.setItem(KEY, language.value);
  document.documentElement.lang = language.value === 'zh' ? 'zh-Hans' : 'en';
});
