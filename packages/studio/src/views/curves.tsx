/** Loss and accuracy while training runs. */
import { computed, signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Curve as CurveComponent } from '../components/curve.tsx';
import { lines, telling } from '../state/session.ts';
import { t } from '../strings/index.ts';

/** Readings, and the means of epochs at their ends. */
const series = computed(() => {
  const places = new Map<number, { loss?: number; accuracy?: number; meanLoss?: number; meanAccuracy?: number }>();
  let last = 0;
  for (const line of lines.value) {
    if (line.kind === 'step') last = line.step + 1;
    const place = places.get(last) ?? {};
    const { loss, accuracy } = line;
    places.set(last, line.kind === 'step' ? { ...place, loss, accuracy } : { ...place, meanLoss: loss, meanAccuracy: accuracy });
  }
  const x = [...places.keys()];
  const of = (key: 'loss' | 'accuracy' | 'meanLoss' | 'meanAccuracy') => x.map((at) => places.get(at)?.[key] ?? null);
  return { loss: [x, of('loss'), of('meanLoss')], accuracy: [x, of('accuracy'), of('meanAccuracy')] } as const;
});

/** The library of curves comes with the first of them. */
const loaded = signal<{ readonly Curve: typeof CurveComponent } | undefined>(undefined);

export const Curves: FunctionComponent = () => {
  const words = t().train;
  useEffect(() => {
    void telling(async () => {
      loaded.value = await import('../components/curve.tsx');
    });
  }, []);
  const Curve = loaded.value?.Curve;
  return (
    <section class="panel curves" aria-label={words.curves}>
      {Curve && <Curve label={words.loss} data={series.value.loss as never} />}
      {Curve && <Curve label={words.accuracy} data={series.value.accuracy as never} top={100} />}
    </section>
  );
};
