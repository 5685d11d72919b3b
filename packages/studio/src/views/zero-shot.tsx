/** What the frozen model makes of the classes' names. */
import type { FunctionComponent } from 'preact';
import { ConfusionView } from '../components/confusion.tsx';
import { percent } from '../components/format.ts';
import { GuessFigure } from '../components/guess.tsx';
import { Figure } from '../components/number.tsx';
import { change, project } from '../state/project.ts';
import { canMeasure, hasPlace, isZeroShotCurrent, zeroShot } from '../state/session.ts';
import { t } from '../strings/index.ts';

/** Sentences to begin with. */
const TEMPLATES = ['a photo of a {}.', 'an icon of a {}.', 'a drawing of a {}.', 'a close-up photo of a {}.', '{}'];
const MOST = 48;

export const ZeroShotView: FunctionComponent = () => {
  const words = t().zeroShot;
  const measured = zeroShot.value;
  const names = measured?.classNames ?? [];
  return (
    <>
      <header class="lead">
        <h1>{words.title}</h1>
        <p>{words.lead}</p>
      </header>
      <Template />
      <p class="spoken" role="status">
        {measured && isZeroShotCurrent.value && `${words.accuracy}: ${percent(measured.metrics.accuracy)}`}
      </p>
      {!canMeasure.value && <p class="panel empty">{words.needTwo}</p>}
      {measured && canMeasure.value && (
        <>
          <div class={`numbers ${isZeroShotCurrent.value ? '' : 'stale'}`}>
            <Figure
              isMain
              value={percent(measured.metrics.accuracy)}
              label={`${words.accuracy}, ${t().images(measured.metrics.count)}`}
            />
            <Figure value={percent(100 / names.length)} label={words.chance} />
            <Figure value={percent(measured.metrics.macroF1)} label="macro F1" />
          </div>
          <section class="panel">
            <h2>{words.matrix}</h2>
            <ConfusionView measured={measured} names={names} />
          </section>
          <section class="panel">
            <h2>{words.wrong}</h2>
            <div class="figures">
              {measured.guesses
                .filter(({ label, top }) => top[0]?.[0] !== label)
                .slice(0, MOST)
                .map((guess) => (
                  <GuessFigure key={guess.id} guess={guess} names={names} />
                ))}
            </div>
          </section>
        </>
      )}
      {canMeasure.value && !measured && <p class="panel empty">{words.measuring}</p>}
    </>
  );
};

const Template: FunctionComponent = () => {
  const words = t().zeroShot;
  const { template } = project.value;
  const isGood = hasPlace(template);
  const set = (text: string): void => change((present) => ({ ...present, template: text }));
  return (
    <section class="panel template">
      <label>
        <span>{words.template}</span>
        <input
          type="text"
          value={template}
          maxLength={300}
          spellcheck={false}
          aria-invalid={!isGood}
          onInput={({ currentTarget }) => set(currentTarget.value)}
        />
      </label>
      {!isGood && <p class="bad">{words.templateBad}</p>}
      <p class="suggestions">
        <span class="soft">{words.tries}</span>
        {TEMPLATES.map((text) => (
          <button key={text} type="button" class="small" aria-pressed={text === template} onClick={() => set(text)}>
            {text}
          </button>
        ))}
      </p>
    </section>
  );
};
