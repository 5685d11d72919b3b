/** Training: what is asked for, and how it goes. */
import type { FunctionComponent } from 'preact';
import { bytes, count, duration, percent } from '../components/format.ts';
import { focusNext } from '../components/focus.ts';
import { Notice } from '../components/notice.tsx';
import { Figure } from '../components/number.tsx';
import { discard, pause, train } from '../state/learning.ts';
import { change, project, setSetting } from '../state/project.ts';
import {
  canMeasure,
  isAnew,
  isBusy,
  lines,
  methods,
  outcome,
  part,
  progress,
  status,
  type TrainingStatus,
  tuned,
} from '../state/session.ts';
import { t } from '../strings/index.ts';
import { Curves } from './curves.tsx';
import { SettingInput } from './setting-input.tsx';

export const TrainView: FunctionComponent = () => {
  const words = t().train;
  return (
    <>
      <header class="lead">
        <h1>{words.title}</h1>
        <p>{words.hidden}</p>
      </header>
      {canMeasure.value ? (
        <div class="train">
          <Request />
          <div class="going">
            <Controls />
            {isAnew.value && <Notice tone="warn" text={words.anew} onClose={() => (isAnew.value = false)} />}
            <Numbers />
            <Result />
            {lines.value.length > 0 ? <Curves /> : <p class="panel empty">{words.noCurve}</p>}
          </div>
        </div>
      ) : (
        <p class="panel empty">{t().zeroShot.needTwo}</p>
      )}
    </>
  );
};

const SHOTS = [1, 2, 4, 8, 16, 'all'] as const;

const Request: FunctionComponent = () => {
  const words = t().train;
  const { request } = project.value;
  const method = methods.value.find(({ name }) => name === request.method);
  const isOff = isBusy.value || status.value === 'paused';
  const main = method?.fields.filter(({ isMain }) => isMain) ?? [];
  const others = method?.fields.filter(({ isMain }) => !isMain) ?? [];
  return (
    <form class="panel request" onSubmit={(event) => event.preventDefault()}>
      <fieldset disabled={isOff}>
        <label>
          <span>{words.method}</span>
          <select
            value={request.method}
            onChange={({ currentTarget: { value } }) =>
              change((present) => ({ ...present, request: { ...present.request, method: value, settings: {}, training: {} } }))
            }
          >
            {methods.value.map(({ name, title, lacks }) => (
              <option key={name} value={name} disabled={lacks !== undefined}>
                {t().methods[name]?.title ?? title}
                {lacks && ` (${words.lacks[lacks]})`}
              </option>
            ))}
          </select>
        </label>
        <p class="soft about">{t().methods[request.method]?.summary ?? method?.summary}</p>
        <label>
          <span>{words.shots}</span>
          <select
            value={String(request.shots)}
            onChange={({ currentTarget: { value } }) =>
              change((present) => ({
                ...present,
                request: { ...present.request, shots: value === 'all' ? 'all' : Number(value) },
              }))
            }
          >
            {SHOTS.map((one) => (
              <option key={one} value={String(one)}>
                {one === 'all' ? words.all : one}
              </option>
            ))}
          </select>
        </label>
        {main.map((field) => (
          <SettingInput key={`${request.method} ${field.name}`} field={field} given={request[field.section][field.name]} />
        ))}
        <details>
          <summary>{words.more}</summary>
          <label>
            <span>{words.seed}</span>
            <input
              type="number"
              min={0}
              step={1}
              value={request.seed}
              onChange={({ currentTarget: { valueAsNumber } }) =>
                Number.isSafeInteger(valueAsNumber) &&
                valueAsNumber >= 0 &&
                change((present) => ({ ...present, request: { ...present.request, seed: valueAsNumber } }))
              }
            />
          </label>
          {others.map((field) => (
            <SettingInput key={`${request.method} ${field.name}`} field={field} given={request[field.section][field.name]} />
          ))}
        </details>
        <button
          type="button"
          class="plain"
          onClick={() => {
            for (const section of ['settings', 'training'] as const)
              for (const name of Object.keys(request[section])) setSetting(section, name, undefined);
          }}
        >
          {words.reset}
        </button>
      </fieldset>
    </form>
  );
};

/** What the button does: one button through all states, so that the keyboard stays on it. */
function nextStep(now: TrainingStatus): { readonly label: string; act(): Promise<void> } | undefined {
  const words = t().train;
  switch (now) {
    case 'idle':
      return { label: words.start, act: () => train() };
    case 'finished':
      return { label: words.again, act: () => train() };
    case 'starting':
    case 'running':
      return { label: words.pause, act: pause };
    case 'paused':
      return { label: words.goOn, act: () => train({ resume: true }) };
    default:
      return undefined;
  }
}

const Controls: FunctionComponent = () => {
  const words = t().train;
  const now = status.value;
  const state = progress.value;
  const step = nextStep(now);
  return (
    <div class="controls">
      <button
        type="button"
        class={now === 'starting' || now === 'running' ? '' : 'primary'}
        aria-disabled={!step}
        onClick={() => void step?.act()}
      >
        {step?.label ?? words.pause}
      </button>
      {now === 'paused' && (
        <button
          type="button"
          onClick={() => {
            void discard();
            focusNext('.controls button');
          }}
        >
          {words.discard}
        </button>
      )}
      <span class="state" role="status">
        {now === 'starting' && (part.value ? t().parts[part.value.what] : words.starting)}
        {now === 'running' && state && words.epoch(state.epoch + 1, state.epochs)}
        {now === 'pausing' && words.pausing}
        {now === 'evaluating' && words.evaluating}
        {now === 'paused' && words.paused(lines.value.filter(({ kind }) => kind === 'epoch').length)}
        {now === 'finished' && words.finished}
      </span>
      <span class="spoken" role="status">
        {now === 'finished' && tuned.value && `${percent(tuned.value.metrics.accuracy)} ${t().percent}`}
      </span>
      {now === 'running' && state && (
        <progress
          value={state.epoch * state.steps + state.step}
          max={state.epochs * state.steps}
          aria-label={words.epoch(state.epoch + 1, state.epochs)}
        />
      )}
    </div>
  );
};

const Numbers: FunctionComponent = () => {
  const words = t().train;
  const state = progress.value;
  if (!state || !isBusy.value) return null;
  return (
    <div class="numbers">
      <Figure value={state.imagesPerSecond.toFixed(state.imagesPerSecond < 10 ? 1 : 0)} label={words.perSecond} />
      <Figure value={duration(state.eta)} label={words.left} />
      <Figure value={bytes(state.bytes)} label={words.memory} />
    </div>
  );
};

const Result: FunctionComponent = () => {
  const words = t().train;
  const result = outcome.value;
  if (status.value !== 'finished' || !result?.tuned) return null;
  const { metrics } = result.tuned;
  const before = result.before?.metrics.accuracy;
  const method = t().methods[result.plan.method]?.title ?? result.plan.title;
  return (
    <div class="numbers">
      <Figure
        isMain
        value={percent(metrics.accuracy)}
        label={before === undefined ? t().percent : `${t().percent}, ${words.from} ${percent(before)}`}
      />
      <Figure value={duration(result.seconds)} label={method} />
      <Figure value={count(result.parameters)} label={words.learnt} />
      {(result.plan.lowered ?? []).map(({ name, usual, value, layers }) => (
        <p key={name} class="soft">
          {words.lowered(words.fields[name] ?? name, value, method, usual, layers)}
        </p>
      ))}
    </div>
  );
};
