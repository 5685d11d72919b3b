/** An image with what it is taken for. */
import type { FunctionComponent } from 'preact';
import { t } from '../strings/index.ts';
import type { Guess } from '../worker/protocol.ts';
import { probability } from './format.ts';
import { Thumb } from './thumb.tsx';

export const GuessFigure: FunctionComponent<{ readonly guess: Guess; readonly names: readonly string[] }> = ({
  guess,
  names,
}) => {
  const [first, share] = guess.top[0] ?? [-1, 0];
  const truth = names[guess.label] ?? '?';
  const isRight = first === guess.label;
  const said = isRight
    ? t().understand.right(probability(share))
    : t().understand.takenFor(names[first] ?? '?', probability(share));
  return (
    <figure class={isRight ? 'right' : 'wrong'}>
      <Thumb id={guess.id} name={truth} />
      <figcaption>
        <b>{truth}</b>
        <span>{said}</span>
      </figcaption>
    </figure>
  );
};

/** Probabilities as bars, best first. */
export const Probabilities: FunctionComponent<{
  readonly top: Guess['top'];
  readonly names: readonly string[];
  readonly most?: number;
}> = ({ top, names, most = 5 }) => (
  <ol class="bars">
    {top.slice(0, most).map(([label, share]) => (
      <li key={label}>
        <span>{names[label] ?? '?'}</span>
        <meter min={0} max={1} value={share} />
        <b>{probability(share)}</b>
      </li>
    ))}
  </ol>
);
