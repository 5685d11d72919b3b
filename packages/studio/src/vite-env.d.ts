/** What Vite puts into modules. */
interface ImportMeta {
  readonly env: { readonly PROD: boolean };
}
