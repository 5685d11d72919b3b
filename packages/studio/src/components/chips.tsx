/** Adapter and model, and what the worker is at, in one line. */
import type { FunctionComponent } from 'preact';
import { adapter, failure, model, part } from '../state/session.ts';
import { t } from '../strings/index.ts';

export const Chips: FunctionComponent = () => {
  if (failure.value) return null;
  const [device, clip, work] = [adapter.value, model.value, part.value];
  return (
    <div class="chips" role="status">
      {!device && <span class="chip busy">{t().opening}</span>}
      {device && (
        <span
          class={`chip ${device.kind === 'gpu' ? 'good' : 'warn'}`}
          title={device.kind === 'gpu' ? device.name : t().software}
        >
          {device.name}
        </span>
      )}
      {clip && (
        <a class="chip" href="#model">
          CLIP {clip.name} · {(clip.parameters / 1e6).toFixed(1)} M
        </a>
      )}
      {device && (
        <a class="end" href="#bench">
          {t().tabs.bench}
        </a>
      )}
      {work && (
        <span class="chip busy">
          {t().parts[work.what] ?? work.what}
          {work.total > 0 && <progress value={work.done} max={work.total} aria-label={work.what} />}
        </span>
      )}
    </div>
  );
};
