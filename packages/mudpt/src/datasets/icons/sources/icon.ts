/** The form of Iconify's files. */

export type Icon = {
  /** SVG without its outermost element. */
  readonly body: string;
  readonly left?: number;
  readonly top?: number;
  readonly width?: number;
  readonly height?: number;
};

/** An icon whose size is its own, not its set's. */
export type SizedIcon = Icon & Required<Pick<Icon, 'width' | 'height'>>;

/** A set; width and height are those of icons that have none of their own. */
export type IconFile = { readonly icons: Readonly<Record<string, Icon>>; readonly width?: number; readonly height?: number };
