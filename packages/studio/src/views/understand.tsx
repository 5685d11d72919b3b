/** What was learnt: before and after, classes, confusions, hard pictures, prompts. */
import type { FunctionComponent } from 'preact';
import { ConfusionView } from '../components/confusion.tsx';
import { percent, points } from '../components/format.ts';
import { GuessFigure } from '../components/guess.tsx';
import { Drawing } from '../components/drawing.tsx';
import { Figure } from '../components/number.tsx';
import { engine } from '../state/workers.ts';
import { before, inside, model, tuned, tunedClasses } from '../state/session.ts';
import { t } from '../strings/index.ts';
import type { Measured } from '../worker/protocol.ts';
import { ClassTable } from './class-table.tsx';

const MOST_HARD = 24;

export const UnderstandView: FunctionComponent = () => {
  const words = t().understand;
  const names = tunedClasses.value;
  return (
    <>
      <header class="lead">
        <h1>{words.title}</h1>
      </header>
      {names === undefined && <p class="panel empty">{words.need}</p>}
      {tuned.value && <Measurements before={before.value} after={tuned.value} />}
      {names && !tuned.value && <p class="panel empty">{words.notMeasured}</p>}
      {names && <Inside />}
    </>
  );
};

const Measurements: FunctionComponent<{ readonly before: Measured | undefined; readonly after: Measured }> = ({
  before: frozen,
  after,
}) => {
  const words = t().understand;
  const names = after.classNames;
  const [from, to] = [frozen?.metrics.accuracy, after.metrics.accuracy];
  const hardest = [...after.guesses].sort((a, b) => b.loss - a.loss).slice(0, MOST_HARD);
  return (
    <>
      <div class="numbers">
        <Figure isMain value={percent(to)} label={words.after} />
        {from !== undefined && <Figure value={percent(from)} label={words.before} />}
        {from !== undefined && <Figure value={points(to - from)} label={words.points} />}
        <Figure value={percent(after.metrics.macroF1)} label="macro F1" />
      </div>
      <section class="panel">
        <h2>{t().zeroShot.matrix}</h2>
        <ConfusionView measured={after} names={names} />
      </section>
      <ClassTable names={names} before={frozen?.metrics} after={after.metrics} />
      <section class="panel">
        <h2>{words.hardest}</h2>
        <p class="soft">{words.hardestLead}</p>
        <div class="figures">
          {hardest.map((guess) => (
            <GuessFigure key={guess.id} guess={guess} names={names} />
          ))}
        </div>
      </section>
    </>
  );
};

const Inside: FunctionComponent = () => {
  const words = t().understand;
  const facts = inside.value;
  const layers = model.value?.layers;
  if (!facts || !layers) return null;
  if (!facts.layout) return <p class="panel empty">{words.fitted}</p>;
  const { layout } = facts;
  return (
    <>
      <section class="panel">
        <h2>{words.inside}</h2>
        <Drawing class="diagram" draw={() => engine.call('drawPrompts', layout, layers)} of={[layout, layers]} />
        {layout.example !== undefined && (
          <p>
            <code>{layout.example}</code>
          </p>
        )}
      </section>
      {facts.words.length > 0 && (
        <section class="panel">
          <h2>{words.words}</h2>
          <p class="soft">{words.wordsLead}</p>
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th class="n">{words.layer}</th>
                  <th class="n">{words.row}</th>
                  <th>{words.tokens}</th>
                </tr>
              </thead>
              <tbody>
                {facts.words.flatMap(({ layer, name, rows }) =>
                  rows.map(({ row, words: near }) => (
                    <tr key={`${name} ${layer} ${row}`}>
                      <td class="n">{layer + 1}</td>
                      <td class="n">{row + 1}</td>
                      <td>{near.map(({ word, distance }) => `${word} (${distance.toFixed(2)})`).join(', ')}</td>
                    </tr>
                  )),
                )}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
};
