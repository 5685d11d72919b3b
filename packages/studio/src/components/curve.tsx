/** A live curve, by uPlot. */
import type { FunctionComponent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
// oxlint-disable-next-line import/no-unassigned-import -- a style sheet
import 'uplot/dist/uPlot.min.css';

export interface CurveProps {
  readonly label: string;
  /** x, then the thin line of every reading and the thick one of epochs; null where a line has no value. */
  readonly data: UPlot.AlignedData;
  /** Where y ends; undefined: with the data. */
  readonly top?: number;
}

const HEIGHT = 210;

/** A colour of the style sheet as a canvas takes it: an element's computed one, in which light-dark() is decided. */
function colour(name: string, element: HTMLElement): string {
  element.style.color = `var(${name})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}

export const Curve: FunctionComponent<CurveProps> = ({ label, data, top }) => {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const axis = {
      stroke: () => colour('--soft', element),
      grid: { stroke: () => colour('--line', element), width: 1 },
      ticks: { show: false },
      font: '11px system-ui',
    };
    const made = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { size: 6 } },
        scales: { x: { time: false }, y: { range: (_, low, high) => [0, top ?? Math.max(high, low, 1e-3) * 1.06] } },
        axes: [
          { ...axis, size: 28 },
          { ...axis, size: 44 },
        ],
        series: [
          {},
          { stroke: () => colour('--before', element), width: 1, points: { show: false }, spanGaps: true },
          { stroke: () => colour('--accent', element), width: 2.5, points: { show: true, size: 5 }, spanGaps: true },
        ],
      },
      data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    const redraw = new MutationObserver(() => made.redraw());
    redraw.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      observer.disconnect();
      redraw.disconnect();
      made.destroy();
    };
  }, [top]);
  useEffect(() => plot.current?.setData(data), [data]);
  const last = [...(data[2] ?? [])].findLast((value) => value !== null && value !== undefined);
  return (
    <figure class="curve">
      <figcaption>
        {label}
        {typeof last === 'number' && <b>{last.toFixed(top === undefined ? 3 : 1)}</b>}
      </figcaption>
      <div ref={box} role="img" aria-label={`${label}: ${typeof last === 'number' ? last.toFixed(3) : '…'}`} />
    </figure>
  );
};
