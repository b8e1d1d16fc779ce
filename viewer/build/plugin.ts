// The Vite plugin that completes the page: puts the data into <script id="catalogue">, an empty
// place for the checks and one for an artifact of theorem_slack next to it and, once everything is inlined, a content security policy that
// allows that one script and no request.
import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

const kDataSlot = '<!--catalogue-->';
const kPolicySlot = '<!--policy-->';
// The program looks for exactly these and puts what it knows in the place of null.
const kFilledLater = ['checks', 'slack']
  .map((id) => `<script id="${id}" type="application/json">null</script>`)
  .join('');

// JSON inside a script element: "<" must not begin a tag.
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/</g, '\\u003c');
}

function policy(html: string): string {
  const script = /<script type="module"[^>]*>([\s\S]*?)<\/script>/.exec(html)?.[1];
  if (!script) throw new Error('the page has no inline script');
  const hash = createHash('sha256').update(script).digest('base64');
  const rules = [
    "default-src 'none'",
    `script-src 'sha256-${hash}'`,
    "style-src 'unsafe-inline'",
    'font-src data:',
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return `<meta http-equiv="Content-Security-Policy" content="${rules.join('; ')}">`;
}

export function selfContained(data: () => Promise<unknown>): Plugin {
  return {
    name: 'routegauge-self-contained',
    enforce: 'post',
    generateBundle: {
      order: 'post', // after everything is inlined
      async handler(_, bundle) {
        const json = scriptJson(await data());
        const held = `<script id="catalogue" type="application/json">${json}</script>${kFilledLater}`;
        for (const asset of Object.values(bundle)) {
          if (asset.type !== 'asset' || !asset.fileName.endsWith('.html')) continue;
          const html = String(asset.source);
          for (const slot of [kDataSlot, kPolicySlot]) {
            if (!html.includes(slot)) throw new Error(`${asset.fileName}: no ${slot}`);
          }
          asset.source = html
            .replace(kPolicySlot, () => policy(html))
            .replace(kDataSlot, () => held);
        }
      },
    },
  };
}
