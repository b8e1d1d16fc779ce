import { defineConfig } from 'vitest/config';

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  test: {
    fileParallelism: false, // two processor cores
    projects: [{ extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.{ts,tsx}'] } }],
  },
});
