/** A drawing of both towers and the places where prompts enter. */
import type { PromptLayout, PromptPlace } from '../methods/index.ts';
import { COLOURS } from './labels.ts';
import { html, type Markup } from './markup.ts';

/** Sizes and prompts that a drawing of both towers shows. */
export type DiagramFacts = {
  readonly layout: PromptLayout;
  readonly textLayers: number;
  readonly imageLayers: number;
};

const STEP = 52;
const LEFT = 96;
/** Room for the legend. */
const MIN_WIDTH = 640;
const TOWERS = { text: { y: 40, label: 'text tower' }, image: { y: 150, label: 'image tower' } } as const;

/** SVG: a box for every block, a mark where rows are put in (layer 0) or replaced (later layers), one after the last
 * where something learnt acts on the feature, a ring below it for a second branch, and arrows between modalities. */
export function promptDiagram({ layout, textLayers, imageLayers }: DiagramFacts): Markup {
  const layers = Math.max(textLayers, imageLayers);
  const width = Math.max(MIN_WIDTH, LEFT + (layers + 1) * STEP + 60);
  const crossings = [...crossed(layout.text, layout.image), ...crossed(layout.image, layout.text)];
  const isCrossed = crossings.some(Boolean);
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 230" width="${width}" role="img" aria-label="where prompts enter" font-family="system-ui, sans-serif" font-size="11">
<defs><marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0 6 3 0 6z" fill="${COLOURS.extra}"/></marker></defs>
${tower('text', textLayers, layout.text, layout)}
${tower('image', imageLayers, layout.image, layout)}
${arrows(layout.text, layout.image, 'down')}
${arrows(layout.image, layout.text, 'up')}
<text x="${LEFT}" y="222" fill="#666">${legend(layout)}${isCrossed ? '; orange: what one tower learnt changes the tokens of the other' : ''}</text>
</svg>`;
}

function legend({ text, image, features, branches, adapters }: PromptLayout): string {
  const acts = features ? 'something learnt acts on the feature' : '';
  const enters = text.length + image.length > 0 || (!features && !branches && !adapters) ? 'prompt tokens enter here' : '';
  const beside = branches ? 'a learnt branch beside the feature (ring)' : '';
  const adds = adapters ? 'something learnt is added to the block with a blue frame' : '';
  return `blue: ${[enters, acts, beside, adds].filter(Boolean).join(', or ')}`;
}

function tower(
  name: keyof typeof TOWERS,
  layers: number,
  places: readonly PromptPlace[],
  { features, branches, adapters }: Pick<PromptLayout, 'features' | 'branches' | 'adapters'>,
): Markup {
  const { y, label } = TOWERS[name];
  const [ofFeatures, ofBranches, adapted] = [features?.[name] ?? [], branches?.[name] ?? [], new Set(adapters?.[name])];
  const blocks = Array.from({ length: layers }, (_, layer) => {
    const place = places.find((one) => one.layer === layer);
    const x = LEFT + layer * STEP;
    return html`<rect x="${x + 14}" y="${y}" width="${STEP - 16}" height="34" rx="4" fill="#eef1f4" stroke="${adapted.has(layer) ? COLOURS.after : '#c3cad2'}" stroke-width="${adapted.has(layer) ? 2.5 : 1}"/>
<text x="${x + 14 + (STEP - 16) / 2}" y="${y + 21}" text-anchor="middle" fill="#333">${layer + 1}</text>
${place && html`<circle cx="${x + 6}" cy="${y + 17}" r="7" fill="${COLOURS.after}"/><text x="${x + 6}" y="${y + 21}" text-anchor="middle" fill="white" font-size="9">${place.rows}</text>`}`;
  });
  return html`<text x="0" y="${y + 21}" font-weight="600" fill="#222">${label}</text>${blocks}
<text x="${LEFT + layers * STEP + 8}" y="${y + 21}" fill="#666">feature</text>
${ofFeatures.length > 0 && html`<circle cx="${LEFT + layers * STEP + 54}" cy="${y + 17}" r="7" fill="${COLOURS.after}"><title>${ofFeatures.join(', ')}</title></circle>`}
${ofBranches.length > 0 && html`<path d="M${LEFT + layers * STEP - 2} ${y + 17}v24h48" fill="none" stroke="${COLOURS.after}"/><circle cx="${LEFT + layers * STEP + 54}" cy="${y + 41}" r="6" fill="none" stroke="${COLOURS.after}" stroke-width="2"><title>${ofBranches.join(', ')}</title></circle>`}`;
}

/** For each place of `to`, whether something learnt for `from` goes into it. */
function crossed(from: readonly PromptPlace[], to: readonly PromptPlace[]): boolean[] {
  const learnt = new Set(from.flatMap(({ sources }) => sources.slice(0, 1)));
  return to.map(({ sources }) => sources.some((source) => learnt.has(source)));
}

function arrows(from: readonly PromptPlace[], to: readonly PromptPlace[], direction: 'up' | 'down'): Markup[] {
  const flags = crossed(from, to);
  const [start, end] = direction === 'down' ? [TOWERS.text.y + 26, TOWERS.image.y + 8] : [TOWERS.image.y + 8, TOWERS.text.y + 26];
  return to.flatMap(({ layer }, index) => {
    const x = LEFT + layer * STEP + (direction === 'down' ? 4 : 9);
    return flags[index]
      ? [
          html`<line x1="${x}" y1="${start}" x2="${x}" y2="${end}" stroke="${COLOURS.extra}" stroke-width="1.2" marker-end="url(#tip)"/>`,
        ]
      : [];
  });
}
