// How the pages are built. Everything is a file of its own: the policy that the server sends forbids inline scripts, inline
// styles and data of foreign origin.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/console/',
  plugins: [svelte()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
  },
  server: {
    // While working on the pages: SOJOURN=http://127.0.0.1:8470 npx vite
    proxy: { '/console/v1': process.env.SOJOURN ?? 'http://127.0.0.1:8470' },
  },
});
