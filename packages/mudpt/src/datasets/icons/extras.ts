/** OpenMoji's drawings of things that are no emoji, by class: they make the down-stream set's small classes large enough. */
import { classNames, classOf } from './concepts/classes.ts';
import type { Concept } from './concepts/manifest.ts';

/** Joined by a plus: drawings so alike that they belong in one split. */
const EXTRAS: Readonly<Record<string, string>> = {
  arrow:
    'arrow-turn-right anticlockwise-triangle-headed-top-u-shaped-arrow circled-anticlockwise-arrow left-right-black-arrow up-down-black-arrow forward download upload',
  'bird or insect': 'macaw pigeon monarch-butterfly',
  building:
    'authority-building flagged-building great-pyramid-of-giza eiffel-tower pagoda stupa stuttgart-fernsehturm temple-of-artemis-at-ephesus ' +
    'mausoleum-at-halicarnassus nuclear-power-plant polar-research-station schwabisch-gmund-funfknopfturm schwabisch-gmund-ratshaus viennese-coffee-house town',
  clock: 'timer',
  'drink or tableware':
    'beer-bottle glass-bottle plastic-bottle milk-jug latte-macchiato moka-pot french-press pepper-mill salt-mill',
  'electronic device': '3d-printer tablet smartwatch keyboard drone charge-plug electric-plug-red surveillance',
  game:
    'black-chess-king+white-chess-king black-chess-queen+white-chess-queen black-chess-rook+white-chess-rook ' +
    'black-chess-bishop+white-chess-bishop black-chess-knight+white-chess-knight white-chess-pawn',
  'household item':
    'bed-linen desk-lamp armchair washing-machine trash-bin elevator coffee-grinder drip-coffee-maker espresso-machine electric-coffee-percolator',
  landscape:
    'avalanche foggy-mountain floating-ice+floating-ice-broken iceberg ice-shelf+ice-shelf-melting volcano-ashes+volcano-eruption flood tsunami wild-fire hanging-gardens-of-babylon',
  mammal: 'doe',
  'medical item':
    'crutches ct-scan first-aid-kit+first-aid-bag medication pills saline-drip stretcher clinical-thermometer kidney liver stomach intestine',
  plant: 'poppy',
  'sea animal or reptile': 'beluga+narwhal porpoise spouting-orca goldfish nessy',
  sign: 'warning-fire warning-tsunami warning-volcano no-handshaking prohibited-sign boys-symbol girls-symbol parking-garage',
  tool: 'axe link saw trowel spade wheelbarrow scales',
};

/** A thing with the label of its class, and the icons that are shown of it, by style. */
export type Member = { readonly label: number; readonly id: string; readonly icons: Concept['icons'] };

export const extraMembers: readonly Member[] = Object.entries(EXTRAS).flatMap(([name, things]) =>
  things.split(' ').map((icons) => ({
    label: classNames.indexOf(name),
    id: `openmoji ${icons}`,
    icons: { openmoji: icons.split('+') },
  })),
);

/** A concept of CLDR, shown without its gender variants. Undefined for one of no class. */
export function memberOf(concept: Concept): Member | undefined {
  const label = classOf(concept);
  if (label === undefined) return undefined;
  const icons = Object.fromEntries(Object.entries(concept.icons).map(([style, list]) => [style, list.slice(0, 1)]));
  return { label, id: concept.id, icons };
}
