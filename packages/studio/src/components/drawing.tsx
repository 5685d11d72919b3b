/** A drawing of the report, made by the worker: its markup escapes every value. */
import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { telling } from '../state/session.ts';

export interface DrawingProps {
  readonly draw: () => Promise<string>;
  /** Drawn again when one of these changes. */
  readonly of: readonly unknown[];
  readonly class?: string;
  readonly onPick?: (cell: number) => void;
}

export const Drawing: FunctionComponent<DrawingProps> = ({ draw, of, class: name = '', onPick }) => {
  const [svg, setSvg] = useState('');
  useEffect(() => {
    let isShown = true;
    void telling(draw).then((made) => isShown && made !== undefined && setSvg(made));
    return () => {
      isShown = false;
    };
  }, of);
  const pick = (event: Event): void => {
    const cell = (event.target as Element).closest<SVGElement>('[data-cell]')?.dataset['cell'];
    if (cell !== undefined) onPick?.(Number(cell));
  };
  return <div class={`drawing ${name}`} onClick={pick} dangerouslySetInnerHTML={{ __html: svg }} />;
};
