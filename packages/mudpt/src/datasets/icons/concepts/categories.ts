/** The classes of the down-stream sets: groups of CLDR subgroups with readable names; and a word for every subgroup, for captions. */

export type Category = {
  /** Class name, as prompts use it. */
  readonly name: string;
  /** CLDR subgroups in the class. */
  readonly subgroups: readonly string[];
  /** Labels to leave out, as a pattern of whole labels: things that CLDR files there although they look or are different. */
  readonly except?: RegExp;
  /** Labels to keep; the rest is left out. */
  readonly only?: RegExp;
};

const MOON = /moon/;

/** In alphabetical order, which is the order of class labels. */
export const CATEGORIES: readonly Category[] = [
  { name: 'arrow', subgroups: ['arrow'] },
  { name: 'bird', subgroups: ['animal-bird'], except: /^(feather|wing)$/ },
  { name: 'book', subgroups: ['book-paper'], except: /^label$/ },
  {
    name: 'building',
    subgroups: ['place-building', 'place-religious'],
    except: /^(brick|rock|wood|building construction|wedding|stadium)$/,
  },
  { name: 'clock', subgroups: ['time'], except: /^hourglass/ },
  {
    name: 'clothing',
    subgroups: ['clothing'],
    except: /^(folding hand fan|hair pick|prayer beads|lipstick|ring|gem stone|purse|handbag|clutch bag|shopping bags)$/,
  },
  { name: 'dessert', subgroups: ['food-sweet'] },
  { name: 'drink', subgroups: ['drink'], except: /^ice$/ },
  {
    name: 'electronic device',
    subgroups: ['phone', 'computer', 'light-video'],
    except: /^(abacus|candle|red paper lantern|diya lamp|magnifying glass.*|film frames|clapper board|light bulb)$/,
  },
  {
    name: 'face',
    subgroups: [
      'face-smiling',
      'face-affection',
      'face-tongue',
      'face-hand',
      'face-neutral-skeptical',
      'face-sleepy',
      'face-unwell',
      'face-hat',
      'face-glasses',
      'face-concerned',
      'face-negative',
    ],
  },
  { name: 'flag', subgroups: ['country-flag'] },
  { name: 'flower', subgroups: ['plant-flower'] },
  { name: 'fruit', subgroups: ['food-fruit'] },
  { name: 'game', subgroups: ['game'], except: /^(crystal ball|magic wand)$/ },
  {
    name: 'hand',
    subgroups: ['hand-fingers-open', 'hand-fingers-partial', 'hand-single-finger', 'hand-fingers-closed', 'hands', 'hand-prop'],
  },
  { name: 'heart', subgroups: ['heart'], except: /^love letter$/ },
  { name: 'insect', subgroups: ['animal-bug'], except: /^(spider web|microbe)$/ },
  {
    name: 'landscape',
    subgroups: ['place-geographic', 'place-other'],
    except: /^(fountain|tent|carousel horse|playground slide|ferris wheel|roller coaster|barber pole|circus tent|hot springs)$/,
  },
  { name: 'mail', subgroups: ['mail'], except: /^ballot box/ },
  { name: 'mammal', subgroups: ['animal-mammal'], except: /^(paw prints|pig nose)$/ },
  { name: 'meal', subgroups: ['food-prepared', 'food-asian'], except: /^(salt|butter)$/ },
  { name: 'media button', subgroups: ['av-symbol'], except: /^(cinema|antenna bars|wireless|vibration mode|mobile phone off)$/ },
  { name: 'moon', subgroups: ['sky-weather'], only: MOON },
  { name: 'musical instrument', subgroups: ['musical-instrument'] },
  { name: 'person', subgroups: ['person', 'person-gesture', 'person-role', 'person-fantasy'] },
  { name: 'plant', subgroups: ['plant-other'], except: /nest/ },
  { name: 'religious symbol', subgroups: ['religion'] },
  { name: 'sea animal', subgroups: ['animal-marine'] },
  { name: 'shape', subgroups: ['geometric'], except: /button$/ },
  { name: 'sign', subgroups: ['transport-sign', 'warning'] },
  { name: 'sport', subgroups: ['sport', 'award-medal'] },
  { name: 'stationery', subgroups: ['writing', 'office'], except: /^wastebasket$/ },
  { name: 'tool', subgroups: ['tool'], except: /^(bomb|white cane|boomerang)$/ },
  { name: 'vegetable', subgroups: ['food-vegetable'] },
  {
    name: 'vehicle',
    subgroups: ['transport-ground', 'transport-water', 'transport-air'],
    except:
      /^(station|bus stop|motorway|railway track|oil drum|fuel pump|wheel|police car light|.*traffic light|stop sign|construction|anchor|ring buoy|parachute|seat|satellite|roller skate|manual wheelchair|motorized wheelchair)$/,
  },
  { name: 'weather', subgroups: ['sky-weather'], except: MOON },
  { name: 'word button', subgroups: ['alphanum'] },
  { name: 'zodiac sign', subgroups: ['zodiac'] },
];

/** Label of a concept's class, or undefined. */
export function categoryOf(label: string, subgroup: string): number | undefined {
  const at = CATEGORIES.findIndex(
    ({ subgroups, except, only }) => subgroups.includes(subgroup) && !except?.test(label) && (only?.test(label) ?? true),
  );
  return at < 0 ? undefined : at;
}
