/**
 * The content security policy of the built page: nothing but its files, and the model hub where a person names a model. The page says it itself;
 * workers take it from the header of their file alone, so hosts that read `_headers` send it too, and `pnpm studio` does.
 */
import type { Plugin } from 'vite';

/** The hub, and where it keeps large files. */
const HUB = 'https://huggingface.co https://*.huggingface.co https://*.hf.co';

export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  `connect-src 'self' blob: ${HUB}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export function policy(): Plugin {
  return {
    name: 'studio-policy',
    apply: 'build',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: '_headers', source: `/*\n  Content-Security-Policy: ${POLICY}\n` });
    },
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY }, injectTo: 'head-prepend' },
      { tag: 'meta', attrs: { name: 'referrer', content: 'no-referrer' }, injectTo: 'head' },
    ],
  };
}
