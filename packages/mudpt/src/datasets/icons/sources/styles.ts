/** The icon sets: eight artists' drawings of the same things, each an npm package. */

export type Style = {
  /** Name of the set at Iconify; also the style's name in manifests. */
  readonly name: string;
  readonly version: string;
  readonly author: string;
  readonly licence: 'Apache-2.0' | 'MIT' | 'CC-BY-4.0' | 'CC-BY-SA-4.0';
  /** 'held-out' styles are never pretrained on; a 'seen' style is. */
  readonly role: 'seen' | 'held-out';
  /** Installed with this package; the others are fetched where they are wanted: by pretraining, by a set of that style. */
  readonly bundled: boolean;
};

/**
 * Held out are the style furthest from the others (OpenMoji: black outlines), a small one (Firefox OS) and an old one (Emoji One v1).
 * The seen styles that the down-stream sets show are the smaller packages.
 */
export const STYLES: readonly Style[] = [
  { name: 'noto', version: '1.2.9', author: 'Google', licence: 'Apache-2.0', role: 'seen', bundled: false },
  { name: 'noto-v1', version: '1.2.5', author: 'Google', licence: 'Apache-2.0', role: 'seen', bundled: false },
  { name: 'twemoji', version: '1.2.5', author: 'Twitter and jdecked', licence: 'CC-BY-4.0', role: 'seen', bundled: true },
  { name: 'fluent-emoji-flat', version: '1.2.6', author: 'Microsoft', licence: 'MIT', role: 'seen', bundled: true },
  { name: 'emojione', version: '1.2.3', author: 'EmojiTwo (Emoji One 2.3)', licence: 'CC-BY-4.0', role: 'seen', bundled: true },
  { name: 'emojione-v1', version: '1.2.3', author: 'Emoji One', licence: 'CC-BY-SA-4.0', role: 'held-out', bundled: false },
  {
    name: 'openmoji',
    version: '1.2.29',
    author: 'HfG Schwäbisch Gmünd',
    licence: 'CC-BY-SA-4.0',
    role: 'held-out',
    bundled: true,
  },
  { name: 'fxemoji', version: '1.2.2', author: 'Mozilla', licence: 'Apache-2.0', role: 'held-out', bundled: true },
];

export const packageOf = (style: string): string => `@iconify-json/${style}`;

export const seenStyles: readonly string[] = STYLES.filter(({ role }) => role === 'seen').map(({ name }) => name);
export const heldOutStyles: readonly string[] = STYLES.filter(({ role }) => role === 'held-out').map(({ name }) => name);
