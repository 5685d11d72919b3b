/** Where a drawing is: its style, its icon, its class. */
export type Place = { readonly style: string; readonly icon: string; readonly label: number };
