import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

/** Every file once more as .gz: the daemon serves ready-made bytes and compresses nothing. */
function precompressed(): Plugin {
  return {
    name: 'precompressed',
    apply: 'build',
    closeBundle() {
      const folder = join(new URL('.', import.meta.url).pathname, 'dist');
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || entry.name.endsWith('.gz')) continue;
        const path = join(entry.parentPath, entry.name);
        const packed = gzipSync(readFileSync(path), { level: 9 });
        packed[9] = 255; // "unknown system": the bytes depend on the text alone
        writeFileSync(`${path}.gz`, packed);
      }
    },
  };
}

// The daemon serves dist/ at /, with a content security policy that allows nothing inline and no other origin: styles are
// files, small assets are not turned into data URLs.
export default defineConfig({
  plugins: [svelte(), precompressed()],
  base: '/',
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  worker: { format: 'es' },
  server: { proxy: { '/api': 'http://127.0.0.1:4470', '/healthz': 'http://127.0.0.1:4470', '/readyz': 'http://127.0.0.1:4470' } },
});
