/** Language and appearance. */
import { effect, signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { telling } from '../state/session.ts';
import { type Language, language, LANGUAGES, loadWords, t } from '../strings/index.ts';

type Theme = 'auto' | 'light' | 'dark';
const KEY = 'mudpt.studio.theme';
const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];
const theme = signal<Theme>(THEMES.find((one) => one === localStorage.getItem(KEY)) ?? 'auto');

effect(() => {
  localStorage.setItem(KEY, theme.value);
  document.documentElement.dataset['theme'] = theme.value;
});

export const Preferences: FunctionComponent = () => (
  <div class="preferences">
    <select
      aria-label={t().theme.label}
      value={theme.value}
      onChange={({ currentTarget }) => (theme.value = currentTarget.value as Theme)}
    >
      {THEMES.map((one) => (
        <option key={one} value={one}>
          {t().theme[one]}
        </option>
      ))}
    </select>
    <select
      aria-label="language"
      value={language.value}
      onChange={({ currentTarget }) => {
        language.value = currentTarget.value as Language;
        void telling(loadWords);
      }}
    >
      {(Object.keys(LANGUAGES) as Language[]).map((one) => (
        <option key={one} value={one}>
          {LANGUAGES[one]}
        </option>
      ))}
    </select>
  </div>
);
