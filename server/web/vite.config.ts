// How the pages are built: the console, and with `--mode tablet` the tablet. Everything is a file of its own: the policy that the server
// sends forbids inline scripts, inline styles and data of foreign origin.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { ENGINE_BYTES_MAX, PAGE, SHELL, type Shell } from './src/tablet/shell.ts';

/** The engine as a module, where it has been made. */
const ENGINE = 'src/tablet/engine/engine_bg.wasm';

/** Every file of a folder, by its path there. */
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

/** Puts beside each script, style and module the same compressed, so that the server need not. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    writeBundle({ dir = 'dist' }) {
      for (const name of filesOf(dir).filter((name) => /\.(js|css|wasm)$/.test(name))) {
        const small = gzipSync(readFileSync(join(dir, name)), { level: 9 });
        writeFileSync(join(dir, `${name}.gz`), small);
        if (!name.endsWith('.wasm')) continue;
        console.log(`the tablet's engine: ${small.length} bytes, compressed`);
        if (small.length > ENGINE_BYTES_MAX) this.error(`the engine may have ${ENGINE_BYTES_MAX} bytes, compressed`);
      }
    },
  };
}

/** What a browser checks a file by. */
const integrityOf = (file: Buffer): string => `sha256-${createHash('sha256').update(file).digest('base64')}`;

/** Tells the service worker which files make the application, and by their content which version of it. */
function shell(): Plugin {
  return {
    name: 'shell',
    apply: 'build',
    writeBundle({ dir = 'dist' }) {
      const worker = join(dir, 'sw.js');
      const names = filesOf(dir).filter((name) => name !== 'sw.js' && !/^\.|\.gz$/.test(name));
      const files = Object.fromEntries(names.map((name) => [name, integrityOf(readFileSync(join(dir, name)))]));
      const version = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16);
      const list = JSON.stringify({ version, files } satisfies Shell);
      const source = readFileSync(worker, 'utf8');
      // The script holds the mark as a text of its own, in whichever quotes.
      const marked = new RegExp(`(["'\`])${SHELL}\\1`);
      if (!marked.test(source)) this.error('the service worker has no place for the list of files');
      writeFileSync(
        worker,
        source.replace(marked, () => JSON.stringify(list)),
      );
    },
  };
}

export default defineConfig(({ mode }) => {
  const tablet = mode === 'tablet';
  return {
    base: tablet ? '/tablet/' : '/console/',
    plugins: tablet ? [svelte(), shell(), compressed()] : [svelte(), compressed()],
    worker: { format: 'es' },
    define: { 'import.meta.env.ENGINE_BYTES': existsSync(ENGINE) ? statSync(ENGINE).size : 0 },
    build: {
      outDir: tablet ? 'dist/tablet' : 'dist/console',
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      sourcemap: false,
      rolldownOptions: tablet
        ? {
            input: { tablet: PAGE, sw: 'src/tablet/sw.ts' },
            output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
          }
        : {},
    },
    server: {
      // While working on the pages: SOJOURN=http://127.0.0.1:8470 npx vite
      proxy: { '/console/v1': process.env.SOJOURN ?? 'http://127.0.0.1:8470' },
    },
  };
});
