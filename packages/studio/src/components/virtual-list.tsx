/** A long list of which only what is seen is drawn: rows of known heights, in a box that scrolls. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

export interface VirtualListProps<Row> {
  readonly rows: readonly Row[];
  readonly heightOf: (row: Row) => number;
  readonly keyOf: (row: Row) => string;
  readonly draw: (row: Row) => ComponentChildren;
  readonly label: string;
  /** Called with the width in pixels when it changes. */
  readonly onWidth?: (width: number) => void;
}

/** Pixels drawn beyond what is seen. */
const BEYOND = 400;

export function VirtualList<Row>({ rows, heightOf, keyOf, draw, label, onWidth }: VirtualListProps<Row>) {
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: 800 });
  const tops = useMemo(() => {
    let sum = 0;
    return [
      ...rows.map((row) => {
        const top = sum;
        sum += heightOf(row);
        return top;
      }),
      sum,
    ];
  }, [rows, heightOf]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const measure = (): void => {
      setSeen({ top: element.scrollTop, height: element.clientHeight });
      onWidth?.(element.clientWidth);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, [onWidth]);
  const first = firstBelow(tops, seen.top - BEYOND);
  const last = firstBelow(tops, seen.top + seen.height + BEYOND);
  return (
    <div class="virtual" ref={box} role="region" aria-label={label} tabIndex={0}>
      <div class="virtual-space" style={{ height: `${tops.at(-1) ?? 0}px` }}>
        {rows.slice(first, last + 1).map((row, place) => (
          <div key={keyOf(row)} class="virtual-row" style={{ top: `${tops[first + place]}px`, height: `${heightOf(row)}px` }}>
            {draw(row)}
          </div>
        ))}
      </div>
    </div>
  );
}

/** The last row that begins at or above a place. */
function firstBelow(tops: readonly number[], place: number): number {
  let [low, high] = [0, tops.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((tops[middle] ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}
