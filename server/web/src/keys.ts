// Single keys that do something on the page that is shown. They rest while somebody writes, except those with Ctrl and
// Escape; a list of the keys is in `parts/Keys.svelte`.
import { onMount } from 'svelte';

/** `Ctrl+Enter` also stands for ⌘ and Enter. */
export type Bindings = Record<string, (event: KeyboardEvent) => void>;

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button', 'submit'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

/** The name of a key event: `j`, `?`, `Escape`, `Ctrl+Enter`. */
export function nameOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>): string {
  const held = event.ctrlKey || event.metaKey ? 'Ctrl+' : event.altKey ? 'Alt+' : '';
  return held + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
}

/** Binds keys while the component is there. */
export function onKeys(bindings: Bindings): void {
  onMount(() => {
    const handle = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      if (document.querySelector('dialog[open]')) return;
      const name = nameOf(event);
      const always = name.startsWith('Ctrl+') || name === 'Escape';
      if (!always && isWriting(event.target)) return;
      const bound = bindings[name];
      if (!bound) return;
      // A focused link or button keeps its own Enter.
      if (name === 'Enter' && event.target instanceof Element && event.target.closest('a, button, summary')) return;
      event.preventDefault();
      bound(event);
    };
    addEventListener('keydown', handle);
    return () => removeEventListener('keydown', handle);
  });
}
