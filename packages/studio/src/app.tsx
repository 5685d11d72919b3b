/** The frame of the page: header, places, what is going on. */
import { effect, signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { Chips } from './components/chips.tsx';
import { focusMain } from './components/focus.ts';
import { Preferences } from './components/preferences.tsx';
import { Notice } from './components/notice.tsx';
import { Trouble } from './components/trouble.tsx';
import { NoGpu } from './views/no-gpu.tsx';
import { isElsewhere } from './state/only-tab.ts';
import { notKept } from './state/project.ts';
import { failure, lost, trouble } from './state/session.ts';
import { t } from './strings/index.ts';
import { BenchView } from './views/bench.tsx';
import { DataView } from './views/data.tsx';
import { ModelView } from './views/model.tsx';
import { TrainView } from './views/train.tsx';
import { UnderstandView } from './views/understand.tsx';
import { UseView } from './views/use.tsx';
import { ZeroShotView } from './views/zero-shot.tsx';

/** The way of a person, in its order; model and bench are reached from the line below the header. */
const STEPS = { data: DataView, zeroShot: ZeroShotView, train: TrainView, understand: UnderstandView, use: UseView } as const;
const VIEWS = { ...STEPS, model: ModelView, bench: BenchView } as const;
type Place = keyof typeof VIEWS;
const PLACES = Object.keys(VIEWS) as Place[];

/** The place in the address: #train. */
function fromAddress(): Place {
  const name = location.hash.slice(1);
  return PLACES.find((place) => place === name) ?? 'data';
}

const place = signal<Place>(fromAddress());
addEventListener('hashchange', () => {
  place.value = fromAddress();
});

effect(() => {
  document.title = `${t().tabs[place.value]} · mudpt studio`;
});

export const App: FunctionComponent = () => {
  const View = VIEWS[place.value];
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          focusMain();
        }}
      >
        {t().skip}
      </a>
      <header class="top">
        <a class="brand" href="#data">
          <img src="./icon.svg" alt="" width="26" height="26" />
          <span>mudpt studio</span>
        </a>
        <nav aria-label="studio">
          {(Object.keys(STEPS) as (keyof typeof STEPS)[]).map((name, index) => (
            <a key={name} href={`#${name}`} aria-current={place.value === name ? 'page' : undefined}>
              <i aria-hidden="true">{index + 1}</i>
              {t().tabs[name]}
            </a>
          ))}
        </nav>
        <Preferences />
      </header>
      <Chips />
      <main id="main" tabIndex={-1}>
        {lost.value !== undefined && <Notice tone="warn" text={t().lost} />}
        {notKept.value && <Trouble title={t().notKept} told={notKept.value} />}
        {trouble.value && <Trouble title={t().trouble} told={trouble.value} onClose={() => (trouble.value = undefined)} />}
        {isElsewhere.value ? <Notice tone="warn" text={t().elsewhere} /> : failure.value ? <NoGpu /> : <View />}
      </main>
    </>
  );
};
