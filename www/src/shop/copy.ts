import { html, type TemplateResult } from 'lit';
import { announce } from '../ui/announce';
import { icon } from '../ui/icon';
import { s } from './texts';

/** A text to copy, with a button that does, or selects it where the page may not: browsers let only secure pages write. */
export function copyable(text: string, name: string, testId = 'copy-text'): TemplateResult {
  const copy = (event: Event): void => {
    const shown = (event.currentTarget as HTMLElement).previousElementSibling;
    const clipboard = navigator.clipboard as Clipboard | undefined;
    if (clipboard) void clipboard.writeText(text).then(() => announce(s('copied')));
    else if (shown) getSelection()?.selectAllChildren(shown);
  };
  return html`<div class="copyable">
    <pre tabindex="0" role="region" aria-label=${name} data-testid=${testId}><code>${text}</code></pre>
    <button type="button" class="round" aria-label=${s('copyOf', { name })} @click=${copy}>${icon('copy')}</button>
  </div>`;
}
