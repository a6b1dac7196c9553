import { html, type TemplateResult } from 'lit';
import { announce } from '../ui/announce';
import { icon } from '../ui/icon';
import { s } from './texts';

/** A text to copy, with a button that does. */
export function copyable(text: string, name: string, testId = 'copy-text'): TemplateResult {
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => announce(s('copied')));
  };
  return html`<div class="copyable">
    <pre tabindex="0" role="region" aria-label=${name} data-testid=${testId}><code>${text}</code></pre>
    <button type="button" class="round" aria-label=${s('copyOf', { name })} @click=${copy}>${icon('copy')}</button>
  </div>`;
}
