import { resolve } from 'node:path';
import { defineConfig } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';
import { readSources } from './build/catalogue';
import { pageData } from './build/page_data';
import { selfContained } from './build/plugin';

// ROUTEGAUGE_ROOT: the folder that holds theorems/, proofs/ and schema/. ROUTEGAUGE_OUT: where
// theorems.html goes.
const root = resolve(process.env.ROUTEGAUGE_ROOT ?? '..');
const out = resolve(process.env.ROUTEGAUGE_OUT ?? 'dist');

export default defineConfig({
  root: 'src/theorems',
  // Temml's style sheet leaves its font for us to supply.
  resolve: {
    alias: {
      './STIXTwoMath.woff2': '@fontsource/stix-two-math/files/stix-two-math-latin-400-normal.woff2',
    },
  },
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  plugins: [viteSingleFile(), selfContained(() => pageData(readSources(root)))],
  build: {
    outDir: out,
    emptyOutDir: false,
    target: 'es2022',
    modulePreload: false,
    rollupOptions: { input: 'src/theorems/theorems.html' },
  },
});
