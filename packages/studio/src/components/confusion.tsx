/** The confusion matrix of the report, whose cells show their pictures. */
import { useState } from 'preact/hooks';
import type { FunctionComponent } from 'preact';
import { t } from '../strings/index.ts';
import type { Measured } from '../worker/protocol.ts';
import { engine } from '../state/workers.ts';
import { Drawing } from './drawing.tsx';
import { GuessFigure } from './guess.tsx';

/** Pictures of a cell shown at once. */
const MOST = 60;

export const ConfusionView: FunctionComponent<{ readonly measured: Measured; readonly names: readonly string[] }> = ({
  measured,
  names,
}) => {
  const [picked, setCell] = useState<number | undefined>(undefined);
  const { confusion, guesses } = measured;
  const size = names.length;
  // Until a person picks one: what is confused most.
  const [worst] = wrongCells(confusion);
  const cell = picked ?? (worst && worst.truth * size + worst.prediction);
  const [truth, guess] = cell === undefined ? [-1, -1] : [Math.floor(cell / size), cell % size];
  const shown = guesses.filter(({ label, top }) => label === truth && top[0]?.[0] === guess);
  return (
    <div class="confusion">
      <Drawing
        class="matrix"
        draw={() => engine.call('drawMatrix', names, confusion)}
        of={[confusion, names.join('\n')]}
        onPick={setCell}
      />
      <div class="cell" aria-live="polite">
        {cell === undefined || shown.length === 0 ? (
          <p class="soft">{t().zeroShot.pickCell}</p>
        ) : (
          <>
            <h3>{t().zeroShot.cell(names[truth] ?? '', names[guess] ?? '', shown.length)}</h3>
            <div class="figures">
              {shown.slice(0, MOST).map((one) => (
                <GuessFigure key={one.id} guess={one} names={names} />
              ))}
            </div>
          </>
        )}
        <CellChoice measured={measured} names={names} cell={cell} onPick={setCell} />
      </div>
    </div>
  );
};

/** Most frequent first. */
function wrongCells({ cells }: Measured['confusion']): Measured['confusion']['cells'] {
  return cells.filter(({ truth, prediction }) => truth !== prediction).sort((a, b) => b.count - a.count);
}

/** The same choice for keyboards and screen readers. */
const CellChoice: FunctionComponent<{
  readonly measured: Measured;
  readonly names: readonly string[];
  readonly cell: number | undefined;
  readonly onPick: (cell: number) => void;
}> = ({ measured: { confusion }, names, cell, onPick }) => {
  const wrong = wrongCells(confusion);
  const right = confusion.cells.filter(({ truth, prediction }) => truth === prediction);
  return (
    <select
      class="cells"
      aria-label={t().zeroShot.pickCell}
      value={cell ?? ''}
      onChange={({ currentTarget }) => currentTarget.value !== '' && onPick(Number(currentTarget.value))}
    >
      <option value="">…</option>
      {[...wrong, ...right].map(({ truth, prediction, count }) => (
        <option key={`${truth} ${prediction}`} value={truth * names.length + prediction}>
          {t().zeroShot.cell(names[truth] ?? '', names[prediction] ?? '', count)}
        </option>
      ))}
    </select>
  );
};
